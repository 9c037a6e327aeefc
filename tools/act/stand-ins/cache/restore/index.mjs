// What actions/cache/restore does with its client, in as many lines as that takes.
import { pathToFileURL } from "node:url";

const modules = pathToFileURL(`${process.env.STAND_IN_MODULES}/`);
const core = await import(new URL("@actions/core/lib/core.js", modules));
const cache = await import(new URL("@actions/cache/lib/cache.js", modules));

const key = core.getInput("key", { required: true });
try {
  const found = await cache.restoreCache(core.getMultilineInput("path"), key, core.getMultilineInput("restore-keys"));
  core.setOutput("cache-hit", String(found === key));
  core.setOutput("cache-matched-key", found ?? "");
  core.info(found ? `Restored from ${found}` : `Nothing is cached for ${key}`);
} catch (error) {
  core.warning(String(error)); // as the action does: a cache is never worth a job
}
