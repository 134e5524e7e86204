import { expect, test } from "vitest";
import { tcpAddress, tlsAddress } from "./tls-address.ts";

test("without an address there is none, and TLS options alone are a mistake", () => {
  expect(tlsAddress(["--foreground"])).toBeUndefined();
  expect(() => tlsAddress(["--tlsverify"])).toThrow("need an address");
});

test("an address is never answered on without TLS and client certificates", () => {
  expect(() => tlsAddress(["--host", "tcp://127.0.0.1:2375"])).toThrow("needs --tlscacert");
  const files = ["--tlscacert", "/dev/null", "--tlscert", "/dev/null", "--tlskey", "/dev/null"];
  expect(() => tlsAddress(["--host", "tcp://127.0.0.1:2376", ...files])).toThrow("needs --tlsverify");
  expect(() => tlsAddress(["--host", "tcp://127.0.0.1:2376", "--tlsverify", ...files])).toThrow("--tlscacert /dev/null");
});

test("an address of IPv6 is in brackets", () => {
  expect(tcpAddress("tcp://[::1]:2376")).toEqual({ host: "::1", port: 2376 });
});

test("another form of address is refused", () => {
  expect(() => tlsAddress(["--host", "unix:///x"])).toThrow("cannot listen on unix:///x");
  expect(() => tlsAddress(["--host", "tcp://127.0.0.1:99999"])).toThrow("cannot listen");
});
