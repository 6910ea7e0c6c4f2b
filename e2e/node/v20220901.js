"use strict";
const assert = require("node:assert/strict");
const { client, keys, at, refused, rows, until, urls, window } = require("./client");

const version = "v20220901";
const zone = "zone-2noz78a8ev6e";
const filter = (Name, ...Values) => ({ Name, Values });

// declare adds the tests of API version 2022-09-01 against an emulator without a limit.
function declare(test, emulator) {
  const api = client(version, emulator);
  const create = (targets, more) => api.CreatePurgeTask({ ZoneId: zone, Type: "purge_url", Targets: targets, ...more });
  const describe = (query) => api.DescribePurgeTasks({ ZoneId: zone, ...query });

  test("a job has one row for each target, read page by page", async () => {
    const targets = urls(120);
    const job = await create(targets);
    assert.match(job.JobId, /^[0-9a-z]+$/);
    assert.deepEqual(job.FailedList, []);
    const byJob = { Filters: [filter("job-id", job.JobId)] };
    const first = await describe(byJob);
    assert.equal(first.TotalCount, 120);
    assert.equal(first.Tasks.length, 20, "rows without a Limit");
    const tasks = await rows((page) => describe({ ...byJob, ...page }), 50);
    assert.deepEqual(tasks.map((t) => t.Target).sort(), targets.sort());
    for (const t of tasks) {
      assert.equal(t.JobId, job.JobId);
      assert.equal(t.Type, "purge_url");
      assert.match(t.CreateTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
  });

  test("rows are found by window, type and status, and end as success", async () => {
    const targets = urls(30);
    const job = await create(targets, { Type: "purge_prefix", Method: "delete" });
    const types = filter("type", "purge_prefix");
    const count = async (...words) =>
      (await describe({ ...window(), Filters: [types, filter("statuses", ...words)], Limit: 1 })).TotalCount;
    assert.equal(await count("processing", "success"), 30);
    assert.equal(await count("processing"), 30);
    await until(() => count("success"), (n) => n === 30);
    assert.equal(await count("processing", "failed", "timeout", "canceled"), 0);
    const tasks = await rows((page) => describe({ ...window(), Filters: [types], ...page }), 1000);
    assert.equal(tasks.length, 30);
    for (const t of tasks) {
      assert.deepEqual([t.JobId, t.Status, t.Method], [job.JobId, "success", "delete"]);
    }
    const past = { StartTime: at(-7200), EndTime: at(-3600) };
    assert.equal((await describe(past)).TotalCount, 0, "rows of an hour in which there were none");
  });

  test("all five types", async () => {
    for (const [Type, Targets, more] of [
      ["purge_url", urls(1)],
      ["purge_prefix", ["https://www.example.com/blog/"], { Method: "invalidate" }],
      ["purge_host", ["www.example.com"], { Method: "delete" }],
      ["purge_cache_tag", ["tag1", "tag2"], { CacheTag: { Domains: ["www.example.com"] } }],
      ["purge_all", undefined, { Method: "delete" }],
    ]) {
      const job = await create(Targets, { Type, ...more });
      assert.notEqual(job.JobId, "", Type);
      const { Tasks } = await describe({ Filters: [filter("job-id", job.JobId)] });
      assert.equal(Tasks.length, Targets?.length ?? 1, Type);
      assert.equal(Tasks[0].Type, Type);
    }
  });

  test("quotas, zones and domains", async () => {
    const quota = await api.DescribeContentQuota({ ZoneId: zone });
    const url = quota.PurgeQuota.find((row) => row.Type === "purge_url");
    assert.equal(url.Batch, 500);
    const list = await api.DescribeZones({});
    assert.deepEqual([list.TotalCount, list.Zones[0].ZoneId], [1, "zone-emulator"]);
    const domains = await api.DescribeAccelerationDomains({ ZoneId: "zone-emulator" });
    assert.equal(domains.AccelerationDomains[0].DomainName, "*");
  });

  test("a job that is not there has no rows", async () => {
    const { TotalCount, Tasks } = await describe({ Filters: [filter("job-id", "1379afjk91u32h")] });
    assert.deepEqual([TotalCount, Tasks], [0, []]);
  });

  const as = (credential) => () => client(version, emulator, credential).CreatePurgeTask({ ZoneId: zone });
  const query = (more) => () => describe({ ...window(), ...more });
  for (const [what, call, code] of [
    ["a wrong key", as({ ...keys, secretKey: "wrong" }), "AuthFailure.SignatureFailure"],
    ["an unknown id of a key", as({ ...keys, secretId: "AKIDunknown" }), "AuthFailure.SecretIdNotFound"],
    ["an id of another kind", as({ ...keys, secretId: "IKID" }), "AuthFailure.InvalidSecretId"],
    ["a token that does not belong", as({ ...keys, token: "x" }), "AuthFailure.TokenFailure"],
    ["an unknown zone", () => create(urls(1), { ZoneId: "nozone" }), "InvalidParameter.ZoneNotFound"],
    ["no zone", () => create(urls(1), { ZoneId: undefined }), "MissingParameter"],
    ["more targets than the quota", () => create(urls(501)), "LimitExceeded.BatchQuota"],
    ["no targets", () => create([]), "MissingParameter"],
    ["a type of another name", () => create(urls(1), { Type: "url" }), "InvalidParameter.ParameterError"],
    ["a wildcard", () => create(["*.example.com"], { Type: "purge_host" }), "InvalidParameter.Target"],
    ["a URL without a scheme", () => create(["www.example.com/"]), "InvalidParameter.Target"],
    ["a field that is not there", () => create(urls(1), { ClientToken: "x" }), "UnknownParameter"],
    ["two job ids", () => describe({ Filters: [filter("job-id", "a", "b")] }), "InvalidParameter.ParameterError"],
    ["neither job id nor window", () => describe({}), "InvalidParameter.ParameterError"],
    ["a filter of another name", query({ Filters: [filter("status", "success")] }), "InvalidParameter.InvalidFilterName"],
    ["Limit 1001", query({ Limit: 1001 }), "InvalidParameter.ParameterError"],
    ["eight days", query({ StartTime: at(-8 * 86400) }), "InvalidParameter.ParameterError"],
    ["an unknown action", () => api.request("CancelPurgeTask", {}), "InvalidAction"],
  ]) {
    test(`refused: ${what}`, () => refused(call, code));
  }
}

module.exports = { declare, version };
