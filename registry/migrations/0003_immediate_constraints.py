from django.db import migrations

from registry.db import make_constraints_immediate


class Migration(migrations.Migration):
    """Foreign keys that are checked at each statement (PostgreSQL)."""

    dependencies = [("registry", "0002_missing_child_kind")]

    operations = [migrations.RunPython(make_constraints_immediate, migrations.RunPython.noop)]
