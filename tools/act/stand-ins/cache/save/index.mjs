// What actions/cache/save does with its client, in as many lines as that takes.
import { pathToFileURL } from "node:url";

const modules = pathToFileURL(`${process.env.STAND_IN_MODULES}/`);
const core = await import(new URL("@actions/core/lib/core.js", modules));
const cache = await import(new URL("@actions/cache/lib/cache.js", modules));

try {
  const id = await cache.saveCache(core.getMultilineInput("path"), core.getInput("key", { required: true }));
  core.info(`Saved as ${id}`);
} catch (error) {
  core.warning(String(error)); // as the action does: a cache is never worth a job
}
