"""Where toolchains lie, which may be shown read-only, and where secrets lie, which may not."""

from pathlib import Path

HOME_TOOLS = (
    *(".pyenv", ".rbenv", ".nodenv", ".goenv", ".jenv", ".asdf", ".rvm", ".nvm", ".volta", ".sdkman", ".rustup"),
    *(".cargo/bin", ".cargo/env", ".cargo/registry", ".cargo/git", ".bun/bin", ".deno/bin", ".dotnet", ".ghcup"),
    *(".juliaup", ".nix-profile", "miniconda3", "anaconda3", "go/bin", "go/pkg/mod", ".gem/ruby", ".local/bin"),
    *(".local/lib", ".local/pipx", ".poetry/bin", ".cache/ms-playwright"),
    *(f".local/share/{name}" for name in ("mise", "uv", "pipx", "pnpm", "fnm", "virtualenvs", "pypoetry")),
)
SHARED_TOOLS = tuple(
    Path(name)
    for name in ("/opt/hostedtoolcache", "/opt/pipx", "/opt/pipx_bin", "/home/linuxbrew/.linuxbrew", "/nix")
)

HOME_SECRETS = (
    *(
        ".ssh",
        ".aws",
        ".azure",
        ".gnupg",
        ".kube",
        ".docker",
        ".claude",
        ".claude.json",
        ".netrc",
        ".git-credentials",
    ),
    *(".gitconfig", ".npmrc", ".pypirc", ".m2/settings.xml", ".gradle/gradle.properties", ".config", ".anthropic"),
    *(
        ".cargo/credentials",
        ".cargo/credentials.toml",
        ".gem/credentials",
        ".local/share/keyrings",
        ".password-store",
    ),
    *(".bash_history", ".zsh_history"),
)
MACHINE_SECRETS = tuple(
    Path(name) for name in ("/proc", "/sys", "/dev", "/run", "/var/run", "/etc/ssl/private", "/etc/shadow")
)
