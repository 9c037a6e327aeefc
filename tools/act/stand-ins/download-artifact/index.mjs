// What actions/download-artifact does with its client, for an artifact of another run.
// GitHub serves that by its REST API; act's server serves every run to a token that names it.
import { pathToFileURL } from "node:url";

process.env.GITHUB_SERVER_URL = "https://github.com"; // the client refuses servers it takes for Enterprise
const modules = pathToFileURL(`${process.env.STAND_IN_MODULES}/`);
const core = await import(new URL("@actions/core/lib/core.js", modules));
const { DefaultArtifactClient } = await import(new URL("@actions/artifact/lib/artifact.js", modules));

const [head, claims, signature] = process.env.ACTIONS_RUNTIME_TOKEN.split(".");
const said = JSON.parse(Buffer.from(claims, "base64url"));
const run = core.getInput("run-id");
if (run) said.scp = `Actions.Results:${run}:1`;
process.env.ACTIONS_RUNTIME_TOKEN = [head, Buffer.from(JSON.stringify(said)).toString("base64url"), signature].join(".");
try {
  const client = new DefaultArtifactClient();
  const { artifact } = await client.getArtifact(core.getInput("name", { required: true }));
  await client.downloadArtifact(artifact.id, { path: core.getInput("path", { required: true }) });
  core.info(`Downloaded ${artifact.name}`);
} catch (error) {
  core.setFailed(String(error));
}
