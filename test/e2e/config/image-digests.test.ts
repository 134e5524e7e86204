import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { installedBerth } from "../../support/berth.ts";
import { loadBusybox } from "../../support/project.ts";
import { testRegistry } from "../../support/registry.ts";

test("config pins images to the digests that their registry has", async () => {
  await using registry = await testRegistry();
  await using berth = await installedBerth();
  await loadBusybox(berth);
  const image = `${registry.host}/app:1`;
  await berth.ok(["docker", "tag", "busybox", image]);
  await berth.ok(["docker", "push", image]);
  const cwd = mkdtempSync("/var/tmp/berth-digests-");
  try {
    writeFileSync(`${cwd}/compose.yaml`, `name: pinned\nservices:\n  app: {image: "${image}", hostname: h}\n  own: {build: .}\n`);
    const resolved = parse(await berth.ok(["config", "--resolve-image-digests"], { cwd })) as {
      services: Record<string, Record<string, unknown>>;
    };
    expect(resolved.services["app"]).toMatchObject({
      hostname: "h",
      image: expect.stringMatching(new RegExp(`^${image}@sha256:[0-9a-f]{64}$`)),
    });
    expect(resolved.services["own"]).not.toHaveProperty("image");
    const locked = parse(await berth.ok(["config", "--lock-image-digests"], { cwd }));
    expect(locked).toEqual({ services: { app: { image: resolved.services["app"]?.["image"] }, own: {} } });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
