"""A migration that the newest Airflow doesn't have yet: slow, as those of a large database are."""

from alembic import op

revision = "7a8155a7e001"
down_revision = "d2f4e1b3c5a7"
branch_labels = None
depends_on = None
airflow_version = "3.3.2"


def upgrade() -> None:
    """Take twenty seconds."""
    op.execute("SELECT pg_sleep(20)")


def downgrade() -> None:
    """Nothing to take back."""
