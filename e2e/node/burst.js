"use strict";
const assert = require("node:assert/strict");
const { client, urls } = require("./client");

const calls = 50;

// declare adds the test of the frequency limit against an emulator with one of 20 a second.
function declare(test, emulator) {
  const api = client("v20220901", emulator);
  const create = () => api.CreatePurgeTask({ ZoneId: "zone-2noz78a8ev6e", Type: "purge_url", Targets: urls(1) });

  test(`${calls} calls at once: what is too fast is refused, and does nothing`, async () => {
    const answers = await Promise.allSettled(Array.from({ length: calls }, create));
    const passed = answers.filter((a) => a.status === "fulfilled");
    const codes = answers.filter((a) => a.status === "rejected").map((a) => a.reason.code);
    assert.deepEqual([...new Set(codes)], ["RequestLimitExceeded"]);
    // A burst that crosses the turn of a second finds two seconds' worth of room, none finds more.
    assert.ok(passed.length >= 20 && passed.length <= 40, `${passed.length} passed`);
    const stats = await (await fetch(new URL("/stats", emulator))).json();
    assert.deepEqual([stats.create_calls, stats.throttled, stats.jobs], [calls, codes.length, passed.length]);
    assert.equal(new Set(passed.map((a) => a.value.JobId)).size, passed.length);
  });

  test("a second later calls pass again", async () => {
    await new Promise((go) => setTimeout(go, 1100));
    assert.notEqual((await create()).JobId, "");
  });
}

module.exports = { declare };
