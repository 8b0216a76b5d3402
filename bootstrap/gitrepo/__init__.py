"""Git: its command line, repositories, snapshots of the work tree and of commits, branches and pushes."""
