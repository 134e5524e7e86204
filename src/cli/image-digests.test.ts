import { expect, test } from "vitest";
import { canonicalImage } from "./image-digests.ts";

test("an image is named in full; of a tag and a digest the digest counts", () => {
  expect(canonicalImage("nginx")).toBe("docker.io/library/nginx:latest");
  expect(canonicalImage("docker.io/nginx:1")).toBe("docker.io/library/nginx:1");
  expect(canonicalImage("me/app:2")).toBe("docker.io/me/app:2");
  expect(canonicalImage("127.0.0.1:5000/app")).toBe("127.0.0.1:5000/app:latest");
  expect(canonicalImage("nginx:1@sha256:ab")).toBe("docker.io/library/nginx@sha256:ab");
});
