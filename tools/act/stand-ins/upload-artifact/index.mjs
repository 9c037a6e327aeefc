// What actions/upload-artifact does with its client for one folder: no hidden files, modes forgotten.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";

process.env.GITHUB_SERVER_URL = "https://github.com"; // the client refuses servers it takes for Enterprise
const modules = pathToFileURL(`${process.env.STAND_IN_MODULES}/`);
const core = await import(new URL("@actions/core/lib/core.js", modules));
const { DefaultArtifactClient } = await import(new URL("@actions/artifact/lib/artifact.js", modules));

const root = core.getInput("path", { required: true });
if (!existsSync(root)) {
  core.warning(`No files were found with the provided path: ${root}. No artifacts will be uploaded.`);
  process.exit(0);
}
const entries = await readdir(root, { recursive: true, withFileTypes: true });
const files = entries
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .filter((file) => !relative(root, file).split(sep).some((part) => part.startsWith(".")));
try {
  const { id, size } = await new DefaultArtifactClient().uploadArtifact(core.getInput("name"), files, root);
  core.info(`Uploaded ${files.length} files, ${size} bytes, as ${id}`);
} catch (error) {
  core.setFailed(String(error));
}
