"""What a person may do, asked of their roles alone."""

from typing import Any, Final

from django.contrib.auth.backends import ModelBackend

from orders.queries.prepared import fetch_prepared

_OF_ROLES: Final = (
    "SELECT t.app_label || '.' || p.codename AS permission FROM auth_user_groups g"
    " JOIN auth_group_permissions h ON h.group_id = g.group_id JOIN auth_permission p ON p.id = h.permission_id"
    " JOIN django_content_type t ON t.id = p.content_type_id WHERE g.user_id = %(user)s"
)


class RoleBackend(ModelBackend):
    """Rights come with roles, which are groups; nobody holds one of their own (`roles.py`). Asked anew for every
    request: a role that was taken away is gone with the next click.
    """

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not user_obj.is_active or user_obj.is_anonymous or obj is not None:
            return set()
        return {row["permission"] for row in fetch_prepared(_OF_ROLES, {"user": user_obj.pk})}
