"""The rows of the table in docs/security.md: attack, control, tests, and the edit that takes the control away."""

from attacks.controls import Control, Edit

_CONFINEMENT = "core/sandbox/confinement.py"
_SANDBOX = "adapters/sandbox.py"
_POLICY = "core/policy.py"
_HANDLER = "adapters/gateway/handler.py"
_REQUEST = "core/agent/model_request.py"


def _row(name: str, attack: str, control: str, tests: str, *without: Edit) -> Control:
    return Control(name=name, attack=attack, control=control, tests=tuple(tests.split()), without=without)


def _published(name: str, attack: str, control: str, *without: Edit) -> Control:
    test = f"test_publication.py::test_change_is_not_published[{name}]"
    return _row(f"change-{name}", attack, f"policy: {control}", test, *without)


def _gateway(name: str, attack: str, control: str, *without: Edit) -> Control:
    test = f"test_model.py::test_abuse_of_the_gateway[{name}]"
    return _row(name, attack, f"gateway: {control}", test, *without)


_NO_GIT_MOUNTS = (
    (_CONFINEMENT, "        *_git(repository),\n", ""),
    (_CONFINEMENT, "for path in (*covered, *own_git) for arg", "for path in covered for arg"),
)
_HOME_SHOWN = (
    _CONFINEMENT,
    "(*machine.tools, *([program]",
    '(*machine.tools, machine.home, machine.home.parent / "work/_temp", *([program]',
)
_WAYS = " ".join(
    f"test_network.py::test_listeners_of_the_machine[{way}]" for way in ("tcp", "tcp6", "udp", "dns", "abstract")
)

READING = (
    _row(
        "environment",
        "reads tokens from environments and command lines under /proc",
        "bubblewrap starts with an environment by list, in a process namespace",
        "test_reading.py::test_environments_and_arguments",
        (_SANDBOX, 'cwd=Path("/"), env=env)', 'cwd=Path("/"), env={**self._environ, **env})'),
    ),
    _row(
        "memory",
        "reads the model's key from the memory of its own CLI",
        "the CLI holds a placeholder; a value of ours in its environment starts nothing",
        "test_reading.py::test_memory_of_every_process",
        (
            "adapters/gateway/__init__.py",
            "self._variable: placeholder",
            "self._variable: credentials.secret(self._credential)",
        ),
        (_HANDLER, "if not self._stretch.knows(", "if False and not self._stretch.knows("),
        (_SANDBOX, "        self._refuse_secrets(argv, env)\n", ""),
    ),
    _row(
        "home",
        "reads SSH keys, cloud logins, the runner's files between steps",
        "home and temp are empty memory; nothing else of the machine is mounted",
        "test_reading.py::test_home_and_runner_folders test_reading.py::test_nothing_that_was_found_is_kept",
        _HOME_SHOWN,
    ),
    _row(
        "neighbours",
        "reads the worktree of another task",
        "only the task's own folder is mounted",
        "test_reading.py::test_other_checkouts",
        (_CONFINEMENT, '_each("--bind", (root,))', '_each("--bind", (root.parent,))'),
    ),
    _row(
        "git-config",
        "reads the token that a checkout keeps in `.git/config`",
        "git's configuration inside is a cleaned copy",
        "test_reading.py::test_credentials_in_the_git_configuration",
        (
            "effects/git_view.py",
            'data = clean_config(listed.stdout.decode("utf-8", "surrogateescape"))',
            'data = config.read_bytes().decode("utf-8", "surrogateescape")',
        ),
    ),
)

WRITING = (
    _row(
        "git-folder",
        "writes hooks, configuration, attributes, alternates, refs and records; links git's files",
        "git's files are read-only mounts of their own",
        "test_writing.py::test_hooks_and_git_configuration test_writing.py::test_forged_refs "
        "test_writing.py::test_hard_links",
        *_NO_GIT_MOUNTS,
    ),
    _row(
        "capabilities",
        "started as root, unmounts what protects `.git`",
        "no capability is left, no new user namespace can be made",
        "test_writing.py::test_mounts_undone",
        (_CONFINEMENT, '"--disable-userns", "--cap-drop", "ALL"', '"--disable-userns"'),
        (_CONFINEMENT, '"--uid", str(UID), "--gid", str(UID)', '"--uid", "0", "--gid", "0"'),
    ),
    _row(
        "hooks",
        "lets the owner's own hooks run on its files, with the runner's tokens near",
        "git runs with hooks off, configured from our list alone",
        "test_writing.py::test_attributes_hooks_and_filters_of_the_owner",
        ("effects/git.py", '    ("core.hooksPath", "/dev/null"),\n', ""),
    ),
    _row(
        "filters",
        "names the owner's filters in `.gitattributes`",
        "filters are emptied; content is read into a repository the agent never saw",
        "test_writing.py::test_attributes_hooks_and_filters_of_the_owner",
        ("adapters/workspaces.py", "    return git(*off, *arguments,", "    return git(*arguments,"),
    ),
    _row(
        "programs",
        "puts its own `git`, `claude` or `bwrap` into a folder on PATH in the checkout",
        "the runner finds programs outside of the agent's reach only",
        "test_writing.py::test_programs_on_the_search_path",
        (
            "effects/place.py",
            "if not any(Path(f).resolve().is_relative_to(path) for path in reach)",
            "if not any(f == path for path in reach)",
        ),
    ),
    _row(
        "command-files",
        "writes to GITHUB_ENV, GITHUB_PATH, GITHUB_OUTPUT, GITHUB_STATE",
        "the runner's files are neither named nor mounted",
        "test_writing.py::test_files_of_the_runner",
        (
            _CONFINEMENT,
            '_each("--bind", room.writable)',
            '_each("--bind", (*room.writable, root.parents[1] / "_temp"))',
        ),
    ),
    _row(
        "folders",
        "replaces the folders of log and pull requests by links",
        "the runner's folders in a checkout are covered and cannot be moved",
        "test_writing.py::test_folders_turned_into_links",
        ("crew.py", "hidden=place.covered", "hidden=(place.session_folder,)"),
    ),
    _row(
        "daemon",
        "leaves a process running, in a session of its own",
        "a process namespace that ends as a whole",
        "test_writing.py::test_a_daemon_outlives_nothing",
        (_CONFINEMENT, '("--unshare-all", "--unshare-user"', '("--unshare-net", "--unshare-uts", "--unshare-user"'),
        (_SANDBOX, '"--proc", "/proc", "--dev"', '"--ro-bind", "/proc", "/proc", "--dev"'),
        (_CONFINEMENT, '*("--proc", "/proc", "--dev", "/dev")', '*("--ro-bind", "/proc", "/proc", "--dev", "/dev")'),
    ),
    _row(
        "setup-base",
        "publishes a change to what set-up runs, to be run unconfined by its next attempt",
        "set-up runs on the base branch, the work is laid over it",
        "test_setup.py::test_set_up_of_an_earlier_attempt",
        ("adapters/workspaces.py", "        settled = self._settled(commit)\n", "        settled = commit\n"),
    ),
    _row(
        "setup-once",
        "prepares ignored files for the next task's set-up in the same checkout",
        "in a checkout, set-up runs once, before any agent",
        "test_setup.py::test_set_up_after_an_agent_in_the_same_checkout",
        (
            "adapters/workspaces.py",
            "self.kind is WorkspaceKind.CHECKOUT and workspace.path in",
            "workspace.path in () and",
        ),
        ("adapters/workspaces.py", "in () and self._set_up_once", "in ()"),
    ),
    _row(
        "settings-unconfined",
        "plants hooks and MCP servers for the CLI, where there is no sandbox",
        "without a sandbox the CLI reads no settings of the project",
        "test_settings.py::test_settings_changed_before_a_repair[off]",
        ("crew.py", "project_settings=cell.guard is not None", "project_settings=True"),
    ),
    _row(
        "settings-confined",
        "plants hooks and MCP servers for the CLI, in the sandbox",
        "they run in the sandbox, or (MCP) not at all",
        "test_settings.py::test_settings_changed_before_a_repair[required]",
        ("crew.py", "return _Cell(confine=confine, guard=", "return _Cell(confine=unconfined, guard="),
    ),
)

NETWORK = (
    _row(
        "network",
        "calls out by TCP, UDP, DNS, IPv6 and abstract sockets",
        "a network namespace with nothing in it",
        _WAYS,
        (_CONFINEMENT, '("--unshare-all", "--unshare-user"', '("--unshare-all", "--share-net", "--unshare-user"'),
    ),
    _row(
        "sockets",
        "connects to a service's socket by its path",
        "no socket is mounted but those of the room",
        "test_network.py::test_listeners_of_the_machine[path]",
        (_CONFINEMENT, '_each("--bind", (root,))', '_each("--bind", (root.parents[2],))'),
    ),
    _row(
        "domains",
        "reaches hosts and ports beside the listed ones",
        "the CONNECT proxy knows exact names and one port",
        "test_network.py::test_a_listed_host_is_reached_and_no_other",
        ("adapters/domains.py", "elif why := objection(target, self._names):", 'elif why := "":'),
    ),
    _row(
        "private-addresses",
        "turns a listed name to an address inside the network",
        "every address of a name must be public",
        "test_network.py::test_a_listed_host_is_reached_and_no_other",
        ("adapters/domains.py", "at in self._exempt or is_public(at[0])", "True"),
    ),
    _row(
        "refusals-told",
        "tries hosts until one works, unseen",
        "refused connections stand in summary and pull request, with the command",
        "test_network.py::test_refused_hosts_are_told_with_the_command",
        ("oversight.py", "self.proxy.during(one_line(activity.text))", "pass"),
    ),
)

MODEL = (
    _gateway(
        "foreign-key",
        "calls the model on an attacker's account",
        "only the placeholder of this stretch is a credential",
        (_HANDLER, "if not self._stretch.knows(", "if False and not self._stretch.knows("),
    ),
    _gateway(
        "foreign-path",
        "stores files at the provider",
        "two paths, no other",
        (
            _HANDLER,
            "for path in (_MESSAGES, _COUNT) for query",
            'for path in (_MESSAGES, _COUNT, "/v1/files") for query',
        ),
    ),
    _gateway(
        "foreign-method",
        "uses other methods",
        "POST alone",
        (_HANDLER, "    def _admissible(", "    do_DELETE = do_POST\n\n    def _admissible("),
    ),
    _gateway(
        "absolute-address",
        "names another host in the request",
        "one upstream, paths compared whole",
        (
            _HANDLER,
            "for path in (_MESSAGES, _COUNT) for query",
            'for path in (_MESSAGES, _COUNT, "http://127.0.0.1:9/v1/messages") for query',
        ),
    ),
    _gateway(
        "foreign-model",
        "calls a model the run may not use",
        "the configured models",
        (
            _REQUEST,
            "if not isinstance(model, str) or undated(model) not in {undated(allowed) for allowed in models}:",
            "if not isinstance(model, str):",
        ),
    ),
    _gateway(
        "hosted-tool",
        "has the provider search, fetch or run for it",
        "tools that run at the provider are refused",
        (_REQUEST, "if not _at_the_client(tool):", "if False:"),
    ),
    _row(
        "links",
        "has the provider fetch a link in the conversation",
        "gateway: no link, no stored file in a conversation",
        "test_model.py::test_links_the_service_would_follow",
        (_REQUEST, 'in _foreign(document.get("system"), document.get("messages")):', "in tuple[str, ...]():"),
    ),
    _row(
        "exchange",
        "sends a credential of its choice upstream",
        "gateway: the real one takes the place of the client's",
        "test_model.py::test_only_our_key_is_sent",
        ("adapters/gateway/stretch.py", 'kept["x-api-key"] = secret', 'kept["x-api-key"] = headers["x-api-key"]'),
    ),
    _row(
        "overspending",
        "calls sixteen times at once to pass the cap",
        "gateway: a call's plausible cost is reserved before it begins",
        "test_model.py::test_overspending_by_parallel_calls",
        (
            "core/money/allowance.py",
            "self.spent_usd + self.held_usd + usd <= self.limit_usd",
            "self.spent_usd <= self.limit_usd",
        ),
    ),
)

# The patch names every file too, in a line that is scanned with the added ones.
_NAMES_IN_PATCH = (
    _POLICY,
    "            lines.append(line[1:])\n",
    '            lines.append("" if line.startswith("+++ b/") else line[1:])\n',
)

PUBLICATION = (
    _row(
        "verification",
        "attacks from a test during verification: secrets, network, hooks, daemons",
        "checks run in the same sandbox, without the way to the model",
        "test_verification.py::test_secrets_during_verification "
        "test_verification.py::test_network_during_verification "
        "test_verification.py::test_writes_during_verification",
        ("crew.py", "verifier=_verifier(place, cell),", "verifier=_verifier(place, _Cell()),"),
    ),
    _published(
        "workflow",
        "adds a workflow",
        "`.github/**` and the like block",
        (_POLICY, '_listed(Tier.BLOCK, "/.github ', '_listed(Tier.WARN, "/.github '),
    ),
    _published(
        "disguise",
        "adds a workflow below `.GitHub`",
        "names are compared without their disguise",
        (
            _POLICY,
            "path, plain = paths.shown(file.path), paths.undisguised(file.path)",
            "path, plain = paths.shown(file.path), file.path",
        ),
    ),
    _published(
        "submodule",
        "adds a submodule",
        "regular files only",
        (_POLICY, "if file.new_mode not in legal:", "if False:"),
    ),
    _published(
        "link", "adds a symbolic link", "regular files only", (_POLICY, "if file.new_mode not in legal:", "if False:")
    ),
    _published(
        "huge",
        "adds a file of 200 MB",
        "caps per file and in all",
        (_POLICY, "if file.size_bytes > rules.max_file_kb * 1024:", "if False:"),
        (_POLICY, "if have > allowed:", "if False:"),
    ),
    _published(
        "name",
        "puts a secret into a file's name",
        "names are scanned",
        (_POLICY, '("a file name", "\\n".join(f.path for f in change.files)), ', ""),
        _NAMES_IN_PATCH,
    ),
    _published(
        "content", "puts a secret into a file", "added lines are scanned", (_POLICY, "in (*_added(patch), (", "in ((")
    ),
    _row(
        "repeated-secret",
        "has the refusal repeat the secret it found",
        "findings name kinds, outcomes are struck of secrets",
        "test_publication.py::test_the_token_is_not_repeated",
        _NAMES_IN_PATCH,
        (_POLICY, '("a file name", "\\n".join', '(change.files[0].path if change.files else "", "\\n".join'),
        ("claim.py", "return redacted(text, self.bench.terms.secrets)", "return text"),
    ),
    _published(
        "folding",
        "adds a name that a file system takes for another",
        "no two names equal after folding",
        (_POLICY, "        *_judge_collisions(change, base_paths),\n", ""),
    ),
    _published(
        "unicode",
        "hides `git` in invisible characters",
        "no invisible or control characters in names",
        (_POLICY, "if objection := paths.objection(file.path):", 'if objection := "":'),
    ),
    _published(
        "filter",
        "changes a file that Git LFS keeps",
        "paths with a filter are refused",
        (_POLICY, "if file.path in filtered:", "if False:"),
    ),
)

TEXT = (
    _row(
        "mentions",
        "names files with `@` and commands with `/` in an issue",
        "the prompt is plain text to the CLI, mentions are off",
        "test_text.py::test_file_mentions_and_slash_commands",
        ("adapters/agents/claude_code.py", '"client_composed": True, ', ""),
        ("adapters/agents/claude_code.py", '    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",\n', ""),
    ),
    _row(
        "frames",
        "ends its own frame and speaks on as the runner",
        "the frame carries a random mark",
        "test_text.py::test_forged_frames",
        ("core/agent/briefing.py", 'f"----- {nonce}"', '"-----"'),
    ),
    _row(
        "outgoing",
        "mentions people, closes issues, loads images, forges markers and trailers",
        "all foreign text is made inert before it leaves",
        "test_text.py::test_outgoing_text_does_nothing",
        (
            "core/text/outgoing.py",
            "return _LIVE.sub(lambda match: match.group() + _BREAK, visible)",
            "return visible",
        ),
    ),
    _row(
        "log-commands",
        "puts workflow commands into titles, words, file names and test output",
        "one writer breaks both forms of a command",
        "test_text.py::test_the_log_obeys_nobody_else",
        (
            "core/text/loglines.py",
            '    return "\\n".join(_disarmed(line) for line in lines)',
            "    return text if lines else text",
        ),
    ),
)

HYGIENE = (
    _row(
        "masks",
        "gets any later step to print a secret",
        "every secret is masked before anything else is printed",
        "test_hygiene.py::test_every_secret_is_masked_first",
        ("commands/common.py", "            mask(secret)\n", "            pass\n"),
    ),
    _row(
        "setup-environment",
        "reads tokens from a dependency's install script",
        "set-up inherits an environment by list",
        "test_hygiene.py::test_set_up_inherits_no_secret",
        (
            "effects/place.py",
            "return {name: self.environ[name] for name in _HARMLESS if name in self.environ} | ",
            "return dict(self.environ) | ",
        ),
    ),
    _row(
        "modes",
        "reads transcripts as another user of the machine",
        "session folders 0700, files 0600",
        "test_hygiene.py::test_the_session_is_private",
        ("effects/files.py", "_PRIVATE_FOLDER = 0o700", "_PRIVATE_FOLDER = 0o755"),
    ),
    _row(
        "transcripts",
        "brings a secret into a transcript",
        "known secrets are struck from all that is kept",
        "test_hygiene.py::test_secrets_are_struck_from_what_is_kept",
        ("effects/redaction.py", "                files.replace(path, struck)", "                pass"),
    ),
)

_TRUST = "core/github/trust.py"
_ISSUES = "adapters/tasks/github/tasks.py"

TRUST = (
    _row(
        "labels",
        "labels an issue as a triager, or as an app",
        "the label counts from whoever may write",
        "test_trust.py::test_what_no_writer_approved[triager] test_trust.py::test_what_no_writer_approved[app]",
        (_TRUST, "    if trusted(by, rules.label_roles, rules, roles):\n", "    if True:\n"),
    ),
    _row(
        "edits",
        "edits text or title after the approval",
        "text is what it was when it was approved",
        "test_trust.py::test_what_no_writer_approved[edited] test_trust.py::test_what_no_writer_approved[renamed]",
        (_TRUST, "    if not strange:\n        return", "    if True:\n        return"),
    ),
    _row(
        "approvals",
        "approves by a stranger's `/autorun`",
        "a command counts from whoever may write",
        "test_trust.py::test_what_no_writer_approved[command]",
        (_TRUST, "spoken.order.answer is not None and trusted(note.by, rules.command_roles, rules, roles)", "True"),
    ),
    _row(
        "comments",
        "comments on an approved issue",
        "the agent reads comments of whoever may write",
        "test_trust.py::test_words_of_strangers",
        (_TRUST, "if trusted(note.by, rules.comment_roles, rules, roles))", "if note)"),
    ),
    _row(
        "edited-comments",
        "edits a comment after the approval",
        "comments stand as they stood then",
        "test_trust.py::test_words_of_strangers",
        (_TRUST, "note.stands_since < approval.at", "note.at < approval.at"),
    ),
    _row(
        "hidden-text",
        "hides orders in HTML comments and invisible characters",
        "what no reader sees is taken out, and told",
        "test_trust.py::test_hidden_instructions",
        (_ISSUES, "hidden_text.cleaned(found.body)", "Cleaned(text=found.body, counts={})"),
    ),
    _row(
        "commands",
        "comments `/autorun` as a stranger, a triager or an app",
        "the commander asks for the role, and for the exact login of an app",
        "test_trust.py::test_commands_of_strangers",
        (
            "adapters/tasks/github/commander.py",
            "if refusal := trust.refused_command(Actor(login=said.author), self.rules, roles):",
            'if refusal := "":',
        ),
    ),
)

ROWS = (*READING, *WRITING, *NETWORK, *MODEL, *PUBLICATION, *TEXT, *TRUST, *HYGIENE)
