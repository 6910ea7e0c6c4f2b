"use strict";
const assert = require("node:assert/strict");
const { teo } = require("tencentcloud-sdk-nodejs-teo");

const keys = { secretId: "AKIDEMULATOR", secretKey: "emulator-secret" };

// client is the SDK's own, of one version of the API, configured as its users configure it: host and port, plain HTTP.
function client(version, emulator, credential = keys, region = undefined) {
  return new teo[version].Client({
    credential,
    region,
    profile: {
      language: "en-US",
      httpProfile: { protocol: "http://", endpoint: new URL(emulator).host, reqTimeout: 10 },
    },
  });
}

// refused waits for a call to be refused with the code.
async function refused(call, code) {
  await assert.rejects(call, (err) => {
    assert.equal(err.code, code, err.message);
    assert.match(err.requestId, /^[0-9a-f-]{36}$/);
    return true;
  });
}

// urls are n targets that no other call names.
let made = 0;
function urls(n) {
  return Array.from({ length: n }, () => `https://www.example.com/page/${made++}?a=1&b=%C3%A9`);
}

// at is a time from now, in the form of the API's samples.
function at(seconds) {
  return new Date(Date.now() + seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}

const window = () => ({ StartTime: at(-60), EndTime: at(60) });

// rows reads a list to its end, page by page; query is given each page's Offset and Limit.
async function rows(query, limit) {
  const all = [];
  for (;;) {
    const page = await query({ Offset: all.length, Limit: limit });
    all.push(...page.Tasks);
    if (page.Tasks.length === 0 || all.length >= page.TotalCount) {
      return all;
    }
    assert.equal(page.Tasks.length, limit, "rows of a page that is not the last");
  }
}

// until asks again until the answer will do, for ten seconds at most.
async function until(ask, will) {
  const end = Date.now() + 10_000;
  for (;;) {
    const answer = await ask();
    if (will(answer)) {
      return answer;
    }
    assert.ok(Date.now() < end, `after 10 s still ${JSON.stringify(answer)}`);
    await new Promise((go) => setTimeout(go, 100));
  }
}

module.exports = { at, client, keys, refused, rows, until, urls, window };
