"""`manage.py run`: one command that starts, watches and stops every process of the table."""
