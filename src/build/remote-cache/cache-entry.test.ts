import { describe, expect, it } from "vitest";
import { exportOptions, parseCacheEntry } from "./cache-entry.ts";

describe("--cache-from and --cache-to", () => {
  it("are a plain image, or a type with its attributes; directories are the caller's", () => {
    expect(parseCacheEntry("user/app:cache", "import")).toEqual({ type: "registry", attrs: { ref: "user/app:cache" } });
    expect(parseCacheEntry("type=local,dest=out,mode=max", "export", "/srv")).toEqual({
      type: "local",
      attrs: { dest: "/srv/out", mode: "max" },
    });
  });

  it("are refused by name where the cache cannot be here", () => {
    for (const type of ["gha", "s3", "azblob"])
      expect(() => parseCacheEntry(`type=${type},bucket=x`, "export")).toThrow(`the cache type ${type} is not supported`);
    expect(() => parseCacheEntry("type=inline", "import")).toThrow('unknown cache importer: "inline"');
    expect(() => parseCacheEntry("type=other,x=y", "export")).toThrow('unknown cache exporter: "other"');
    expect(() => parseCacheEntry("type=registry,mode=max", "export")).toThrow("registry cache exporter requires ref");
    expect(() => parseCacheEntry("type=local,dest=x", "import")).toThrow("local cache importer requires src");
    expect(() => parseCacheEntry("type=local,dest=x,mode=most", "export")).toThrow("invalid cache export mode: most");
    expect(() => parseCacheEntry("type=local,dest=x,compression=estargz", "export")).toThrow(
      "the cache compression estargz is not supported",
    );
  });

  it("write an image manifest with OCI types unless told otherwise, as BuildKit does", () => {
    const options = (text: string) => exportOptions(parseCacheEntry(`type=local,dest=/x,${text}`, "export"));
    expect(options("mode=min")).toMatchObject({
      mode: "min",
      imageManifest: true,
      ociMediaTypes: true,
      compression: "gzip",
      ignoreError: false,
    });
    expect(options("oci-mediatypes=false")).toMatchObject({ imageManifest: false });
    expect(() => options("oci-mediatypes=false,image-manifest=true")).toThrow("OCI mediatypes are required");
  });
});
