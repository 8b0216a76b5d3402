"""Plain data and text: errors and their exit codes, results, trees of files, change sets, escaping. Without effects."""
