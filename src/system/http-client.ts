/**
 * undici, as a module that is imported when the first request is made: it is slow to load. (A CommonJS package that is imported that way
 * itself has no named exports once it is bundled.)
 */
export { Agent, EnvHttpProxyAgent, fetch, ProxyAgent, request } from "undici";
