// node main.js UNLIMITED LIMITED: Tencent's SDK against two emulators, the one without a limit of calls a second,
// the other with the API's. The SDK judges requests and answers by its own lights: nothing here is shared with edgepurge.
"use strict";
const { describe, it } = require("node:test");

const [unlimited, limited] = process.argv.slice(2);
const options = { timeout: 30_000 };
const test = (name, fn) => it(name, options, fn);

for (const { declare, version } of [require("./v20220901"), require("./v20220106")]) {
  describe(version, () => declare(test, unlimited));
}
describe("burst", () => require("./burst").declare(test, limited));
