import { expect, it } from "vitest";
import { isInsecure } from "./registry-settings.ts";

it.each([
  ["reg:5000", ["reg:5000"], true],
  ["reg:5001", ["reg:5000"], false],
  ["10.1.2.3:5000", ["10.0.0.0/8"], true],
  ["11.1.2.3:5000", ["10.0.0.0/8"], false],
  ["[fd00::1]:5000", ["fd00::/8"], true],
  ["reg", [], false],
])("%s with %j is insecure: %s", (host, listed, expected) => expect(isInsecure(host, listed)).toBe(expected));
