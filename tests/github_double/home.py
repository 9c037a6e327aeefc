"""What an issue needs of the repository it lives in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from github_double.bare import BareRepository
from github_double.site import ROLES, Entity, Refused, User, invalid


@dataclass(kw_only=True, eq=False, repr=False)
class Label(Entity):
    """A label of a repository; its name is unique whatever the case."""

    PREFIX: ClassVar[str] = "LA"
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class Home(Entity):
    """A repository's settings, people, labels and git side."""

    PREFIX: ClassVar[str] = "R"
    owner: User
    name: str
    default_branch: str
    git: BareRepository
    created_at: datetime
    private: bool = False
    archived: bool = False
    has_issues: bool = True
    actions_may_open_pull_requests: bool = True
    roles: dict[str, str] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    old_names: list[str] = field(default_factory=list)

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner.login}/{self.name}"

    def api(self, path: str = "") -> str:
        """Return a REST address below this repository."""
        return self.site.api(f"/repos/{self.full_name}{path}")

    def web(self, path: str = "") -> str:
        """Return a web address below this repository."""
        return self.site.web(f"/{self.full_name}{path}")

    def role(self, login: str) -> str:
        """Return the role name somebody has here; anybody may read a public repository."""
        if login == self.owner.login:
            return "admin"
        return self.roles.get(login.lower(), "none" if self.private else "read")

    def has_role(self, login: str, least: str) -> bool:
        """Tell whether somebody's role is at least that one."""
        return ROLES.index(self.role(login)) >= ROLES.index(least)

    def association(self, author: User) -> str:
        """Return GitHub's word for what an author is to this repository."""
        if author is self.owner:
            return "OWNER"
        return "COLLABORATOR" if author.login.lower() in self.roles else "NONE"

    def create_label(self, name: str, *, color: str = "ededed", description: str | None = None) -> Label:
        """Create a label; refuses a name that is taken or too long."""
        if name.lower() in self.labels:
            raise invalid("Label", field="name", code="already_exists")
        if not name.strip() or len(name) > 50 or len(description or "") > 100:
            field_name = "description" if len(description or "") > 100 else "name"
            raise invalid("Label", field=field_name, message=f"{field_name} is too long or empty")
        label = Label(site=self.site, name=name, color=color.lower(), description=description)
        self.labels[name.lower()] = label
        return label

    def find_label(self, name: str) -> Label:
        """Return the label of that name, or refuse with 404."""
        if name.lower() not in self.labels:
            raise Refused(404, "Not Found")
        return self.labels[name.lower()]

    def ensure_label(self, name: str) -> Label:
        """Return the label of that name, made grey when absent, as adding one to an issue does."""
        return self.labels.get(name.lower()) or self.create_label(name)
