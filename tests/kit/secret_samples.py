"""Invented credentials, one of each known format, put together here so that no file holds a whole one."""

_BODY = "aB3dE5gH7jK9mN1pQ4sT6vW8xY0zC2fL5hJ3kR7"  # 39 characters, no word
SAMPLES = {
    "a GitHub token": "ghp" + "_" + _BODY[:36],
    "a GitHub token (fine-grained)": "github" + "_pat_" + _BODY[:22] + "_" + _BODY,
    "a GitHub token (app)": "ghs" + "_" + _BODY[:36],
    "a GitLab token": "glpat" + "-" + _BODY[:20],
    "an Anthropic key": "sk-" + "ant-api03-" + _BODY,
    "an OpenAI key": "sk-" + "proj-" + _BODY,
    "an AWS access key": "AK" + "IAQ3ZX7LMN2WPRT5VB",
    "an AWS secret key": "aws_secret" + "_access_key = '" + _BODY + "/'",
    "a Slack token": "xox" + "b-1234567890-" + _BODY[:24],
    "a Slack webhook": "https://hooks.slack" + ".com/services/T0123ABCD/B0123ABCD/" + _BODY[:24],
    "an npm token": "npm" + "_" + _BODY[:36],
    "a PyPI token": "pypi" + "-AgEIcHlwaS5vcmc" + _BODY,
    "a Google credential": "AI" + "za" + _BODY[:35],
    "a Linear key": "lin" + "_api_" + _BODY + "x",
    "a Stripe key": "sk" + "_live_" + _BODY[:24],
    "a private key": "-----BEGIN " + "OPENSSH PRIVATE KEY-----",
    "a JSON web token": "ey" + "JhbGciOiJIUzI1NiJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0." + _BODY,
}
