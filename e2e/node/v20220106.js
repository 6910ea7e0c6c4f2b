"use strict";
const assert = require("node:assert/strict");
const { client, at, refused, rows, until, urls, window } = require("./client");

const version = "v20220106";
const zone = "zone-3fkff38fyw8s";

// declare adds the tests of API version 2022-01-06 against an emulator without a limit.
function declare(test, emulator) {
  const api = client(version, emulator, undefined, "ap-guangzhou");
  const create = (targets, more) => api.CreatePurgeTask({ ZoneId: zone, Type: "purge_url", Targets: targets, ...more });
  const describe = (query) => api.DescribePurgeTasks({ ZoneId: zone, ...query });

  test("a job has one row for each target, read page by page", async () => {
    const targets = urls(120);
    const { JobId } = await create(targets);
    const first = await describe({ JobId });
    assert.equal(first.TotalCount, 120);
    assert.equal(first.Tasks.length, 100, "rows without a Limit");
    const tasks = await rows((page) => describe({ JobId, ...page }), 50);
    assert.deepEqual(tasks.map((t) => t.Target).sort(), targets.sort());
  });

  test("rows are found by window, type, target and status, and end as success", async () => {
    await create(["www.example.com", "img.example.com"], { Type: "purge_host" });
    const count = async (...Statuses) =>
      (await describe({ ...window(), Type: "purge_host", Statuses, Limit: 1 })).TotalCount;
    assert.equal(await count("processing", "success"), 2);
    await until(() => count("success"), (n) => n === 2);
    assert.equal(await count("processing", "failed", "timeout", "invalid"), 0);
    const { Tasks } = await describe({ ...window(), Type: "purge_host", Target: "img.example.com" });
    assert.deepEqual(Tasks.map((t) => [t.Target, t.Status]), [["img.example.com", "success"]]);
  });

  test("a job that is not there has no rows", async () => {
    assert.equal((await describe({ JobId: "1379afjk91u32h" })).TotalCount, 0);
  });

  const elsewhere = () => client(version, emulator).CreatePurgeTask({ ZoneId: zone, Type: "purge_url", Targets: urls(1) });
  const query = (more) => () => describe({ ...window(), ...more });
  for (const [what, call, code] of [
    ["no region", elsewhere, "MissingParameter"],
    ["a method", () => create(["a.example"], { Type: "purge_host", Method: "delete" }), "UnknownParameter"],
    ["a cache tag", () => create(["tag1"], { Type: "purge_cache_tag" }), "InvalidParameter.ParameterError"],
    ["more targets than the quota", () => create(urls(501)), "LimitExceeded.BatchQuota"],
    ["filters", query({ Filters: [] }), "UnknownParameter"],
    ["Limit 1001", query({ Limit: 1001 }), "InvalidParameter.ParameterError"],
    ["eight days", query({ StartTime: at(-8 * 86400) }), "InvalidParameter.ParameterError"],
    ["canceled, which it does not know", query({ Statuses: ["canceled"] }), "InvalidParameter.ParameterError"],
    ["the quota, which it can't tell", () => api.request("DescribeContentQuota", { ZoneId: zone }), "InvalidAction"],
  ]) {
    test(`refused: ${what}`, () => refused(call, code));
  }
}

module.exports = { declare, version };
