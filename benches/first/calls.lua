-- wrk: POST tools/call, the bearer tokens of $BENCH_TOKENS in turn. Requests are formatted once.
local body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_documents",'
  .. '"arguments":{"query":"quarterly report","limit":10,"include":["title","owner","modified"]}}}'
local calls, turn = {}, 0

function init()
  for token in io.lines(os.getenv("BENCH_TOKENS")) do
    calls[#calls + 1] = wrk.format("POST", "/mcp", {
      ["Authorization"] = "Bearer " .. token,
      ["Content-Type"] = "application/json",
      ["Accept"] = "application/json, text/event-stream",
      ["MCP-Protocol-Version"] = "2025-11-25",
      ["User-Agent"] = "bench/1",
    }, body)
  end
end

function request()
  turn = turn % #calls + 1
  return calls[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"errors":%d,"p50_us":%d,"p99_us":%d}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
