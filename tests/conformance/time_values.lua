-- Times, durations and locations. What Go's own package makes of layouts is in the worker's tests.

--# Values: `now()`, `unix(sec, nsec)`, `date(y, mo, d, h, mi, s, ns, location?)` (local zone without one)
--: title unix and date
return function()
  local t = time.unix(1709210096, 123456789)
  assert(t:unix() == 1709210096 and t:nanosecond() == 123456789)
  assert(t:location() == time.localtz, "in the local zone")
  assert(time.unix(0, 1500000000):unix() == 1, "nanoseconds beyond a second are carried")
  assert(time.unix(0, -1):unix() == -1 and time.unix(0, -1):nanosecond() == 999999999)
  local d = time.date(2024, time.FEBRUARY, 29, 12, 34, 56, 123456789, time.utc)
  assert(d == t and d:equal(t) and d:location() == time.utc)
  assert(time.date(2024, 14, 1, 0, 0, 0, 0, time.utc) == time.date(2025, 2, 1, 0, 0, 0, 0, time.utc), "carried")
  assert(time.date(2024, 7, 1, 0, 0, 0, 0):location() == time.localtz)
  for _, wrong in { 0.5, 0 / 0, math.huge, 2 ^ 60 } do
    local none, err = time.date(wrong, 1, 1, 0, 0, 0, 0)
    assert(none == nil and err:kind() == errors.INVALID, tostring(wrong))
    none, err = time.unix(wrong, 0)
    assert(none == nil and err:kind() == errors.INVALID, tostring(wrong))
  end
  assert(not pcall(time.date, 2024, 1, 1) and not pcall(time.unix, "0", 0))
  assert(not pcall(time.date, 2024, 1, 1, 0, 0, 0, 0, "UTC"), "a location is no text")
end

--# `parse(layout, text, location?)`
--# Layouts are Go's (`Mon Jan 2 15:04:05 MST 2006`).
return function()
  local t = assert(time.parse("Mon Jan 2 15:04:05 MST 2006", "Thu Feb 29 12:34:56 UTC 2024"))
  assert(t:unix() == 1709210096 and tostring(t:location()) == "UTC")
  assert(t:format("Monday, 02-Jan-06 3:04pm _2 002 .000 Z07:00") == "Thursday, 29-Feb-24 12:34pm 29 060 .000 Z")
  local berlin = assert(time.fixed_zone("CET", 3600))
  local there = assert(time.parse(time.DATE_TIME, "2024-02-29 13:34:56", berlin))
  assert(there == t and there:location() == berlin)
  assert(time.parse(time.DATE_TIME, "2024-02-29 12:34:56"):location() == time.utc, "UTC where nothing says otherwise")
  local offset = assert(time.parse(time.RFC3339, "2024-02-29T06:34:56.5-06:00"))
  assert(offset:unix() == t:unix() and offset:nanosecond() == 5e8 and offset:hour() == 6)
  assert(offset:format_rfc3339() == "2024-02-29T06:34:56-06:00")
  assert(not pcall(time.parse, "2006") and not pcall(time.parse, 2006, "2006"))
end

--# Parse errors are Invalid and not retryable.
return function()
  for _, wrong in {
    { time.DATE_ONLY, "2023-02-29", "day out of range" },
    { time.DATE_ONLY, "soon", 'cannot parse "soon" as "2006"' },
    { time.RFC3339, "2024-02-29T12:34:56", 'cannot parse "" as "Z07:00"' },
    { time.TIME_ONLY, "12:34:56 o'clock", "extra text" },
  } do
    local t, err = time.parse(wrong[1], wrong[2])
    assert(t == nil and err:kind() == errors.INVALID and err:retryable() == false)
    assert(string.find(err, wrong[3], 1, true), tostring(err))
  end
  local d, err = time.parse_duration("soon")
  assert(d == nil and err:kind() == errors.INVALID and err:retryable() == false)
end

--# `parse_duration(text | number)`
--# Duration: `hours() minutes() seconds() milliseconds() microseconds() nanoseconds()`
return function()
  local d = assert(time.parse_duration("1h30m"))
  assert(d:hours() == 1.5 and d:minutes() == 90 and d:seconds() == 5400)
  assert(d:milliseconds() == 5400000 and d:microseconds() == 5.4e9 and d:nanoseconds() == 5.4e12)
  assert(time.parse_duration(1500):microseconds() == 1, "the small units are whole")
  assert(time.parse_duration(1500):nanoseconds() == 1500)
  assert(time.parse_duration("-1.5s"):milliseconds() == -1500)
  assert(time.parse_duration("1h") == time.parse_duration(time.HOUR))
  for _, text in { "", "1", "1d", "h", "1h 30m", "999999999h" } do
    local none, err = time.parse_duration(text)
    assert(none == nil and err:kind() == errors.INVALID, text)
  end
  for _, number in { 0 / 0, math.huge, 2 ^ 63 } do
    local none, err = time.parse_duration(number)
    assert(none == nil and err:kind() == errors.INVALID, tostring(number))
  end
  assert(not pcall(time.parse_duration, {}) and not pcall(time.parse_duration))
end

--# or a Duration.
return function()
  local d = assert(time.parse_duration("20ms"))
  local before = time.now():unix_nano()
  assert(time.sleep(d) == true)
  assert((time.now():unix_nano() - before) / 1e6 >= 19)
  assert(time.after(d):receive() ~= nil)
  assert(time.unix(0, 0):add(d):nanosecond() == 20000000)
  local ok, why = pcall(time.sleep, {})
  assert(not ok and string.find(why, "duration expected, got table", 1, true), why)
end

--# `load_location(name)` ("" Invalid, unknown NotFound), `fixed_zone(name, offset_s)`
--# `time.utc` and `time.localtz` are locations.
return function()
  local ny = assert(time.load_location("America/New_York"))
  assert(ny:string() == "America/New_York" and tostring(ny) == "America/New_York")
  assert(time.load_location("America/New_York") == ny, "read once")
  local t = time.unix(1709210096, 0):in_location(ny)
  assert(t:format(time.UNIX_DATE) == "Thu Feb 29 07:34:56 EST 2024", t:format(time.UNIX_DATE))
  local summer = time.date(2024, 7, 1, 12, 0, 0, 0, ny)
  assert(summer:format(time.RFC3339) == "2024-07-01T12:00:00-04:00")
  assert(summer:utc():hour() == 16)
  assert(time.load_location("UTC") == time.utc)
  for name, kind in { [""] = errors.INVALID, ["Mars/Base"] = errors.NOT_FOUND, ["../passwd"] = errors.NOT_FOUND } do
    local none, err = time.load_location(name)
    assert(none == nil and err:kind() == kind, name)
  end
  local zone = assert(time.fixed_zone("XST", 5 * 3600 + 45 * 60))
  assert(time.unix(0, 0):in_location(zone):format("15:04 MST -0700") == "05:45 XST +0545")
  local none, err = time.fixed_zone("half", 0.5)
  assert(none == nil and err:kind() == errors.INVALID)
  assert(time.utc:string() == "UTC" and type(time.localtz:string()) == "string")
  assert(not pcall(time.load_location) and not pcall(time.fixed_zone, "x", "1"))
end

--# `JANUARY … DECEMBER` 1 to 12, `SUNDAY … SATURDAY` 0 to 6, `RFC3339`, `RFC3339_NANO`, `DATE_TIME`, `DATE_ONLY`, `TIME_ONLY` and Go's other named layouts in upper snake case.
return function()
  assert(time.JANUARY == 1 and time.JULY == 7 and time.DECEMBER == 12)
  assert(time.SUNDAY == 0 and time.THURSDAY == 4 and time.SATURDAY == 6)
  local t = time.date(2024, 2, 9, 3, 4, 5, 120000000, time.utc)
  for layout, text in {
    LAYOUT = "02/09 03:04:05AM '24 +0000",
    ANSIC = "Fri Feb  9 03:04:05 2024",
    UNIX_DATE = "Fri Feb  9 03:04:05 UTC 2024",
    RUBY_DATE = "Fri Feb 09 03:04:05 +0000 2024",
    RFC822 = "09 Feb 24 03:04 UTC",
    RFC822Z = "09 Feb 24 03:04 +0000",
    RFC850 = "Friday, 09-Feb-24 03:04:05 UTC",
    RFC1123 = "Fri, 09 Feb 2024 03:04:05 UTC",
    RFC1123Z = "Fri, 09 Feb 2024 03:04:05 +0000",
    RFC3339 = "2024-02-09T03:04:05Z",
    RFC3339_NANO = "2024-02-09T03:04:05.12Z",
    KITCHEN = "3:04AM",
    STAMP = "Feb  9 03:04:05",
    STAMP_MILLI = "Feb  9 03:04:05.120",
    STAMP_MICRO = "Feb  9 03:04:05.120000",
    STAMP_NANO = "Feb  9 03:04:05.120000000",
    DATE_TIME = "2024-02-09 03:04:05",
    DATE_ONLY = "2024-02-09",
    TIME_ONLY = "03:04:05",
  } do
    assert(t:format(time[layout]) == text, layout .. ": " .. t:format(time[layout]))
  end
end

--# Time: `add(d) sub(t) add_date(y, m, d) before(t) after(t) equal(t) format(layout) format_rfc3339() unix() unix_nano() date() clock()` (three values each) `year() month() day() hour() minute() second() nanosecond() weekday() year_day() is_zero() utc() in_local() in_location(loc) location() round(D) truncate(D)` (a Duration, nothing else).
return function()
  local t = time.date(2024, 2, 29, 12, 34, 56, 123456789, time.utc)
  local later = t:add("1h30m"):add(time.SECOND)
  assert(later:sub(t):seconds() == 5401 and t:sub(later):seconds() == -5401)
  assert(t:before(later) and later:after(t) and not t:after(later) and not t:equal(later))
  assert(t:add(-1):nanosecond() == 123456788)
  assert(t:add_date(1, 0, 0):format(time.DATE_ONLY) == "2025-03-01", "as Go carries")
  assert(t:add_date(0, 12, 1):format(time.DATE_ONLY) == "2025-03-02")
  assert(t:add_date(0, -1, -29):format(time.DATE_ONLY) == "2023-12-31")
  assert(t:format_rfc3339() == "2024-02-29T12:34:56Z")
  assert(t:unix() == 1709210096 and t:unix_nano() == 1709210096123456789)
  local y, mo, d = t:date()
  local h, mi, s, none = t:clock()
  assert(y == 2024 and mo == 2 and d == 29 and h == 12 and mi == 34 and s == 56 and none == nil)
  assert(t:year() == 2024 and t:month() == 2 and t:day() == 29)
  assert(t:hour() == 12 and t:minute() == 34 and t:second() == 56 and t:nanosecond() == 123456789)
  assert(t:weekday() == time.THURSDAY and t:year_day() == 60)
  assert(not t:is_zero() and time.date(1, 1, 1, 0, 0, 0, 0, time.utc):is_zero())
  local east = time.fixed_zone("E", 7200)
  local there = t:in_location(east)
  assert(there == t and there:hour() == 14 and there:location() == east)
  assert(there:utc():hour() == 12 and there:utc():location() == time.utc)
  assert(there:in_local():location() == time.localtz)
  assert(not pcall(t.in_location, t, "E"))
  local hour, minute = time.parse_duration("1h"), time.parse_duration("1m")
  assert(t:truncate(hour):format("15:04:05.000000000") == "12:00:00.000000000")
  assert(t:round(hour):format(time.TIME_ONLY) == "13:00:00")
  assert(t:round(minute):format(time.TIME_ONLY) == "12:35:00")
  assert(t:truncate(time.parse_duration("0s")) == t)
  for _, other in { 60, "1m", time.SECOND } do
    assert(not pcall(t.round, t, other) and not pcall(t.truncate, t, other))
  end
  assert(not pcall(t.round, t) and not pcall(t.sub, t, 5) and not pcall(t.format, t))
  local far, err = t:add_date(2 ^ 53, 0, 0)
  assert(far == nil and err:kind() == errors.INVALID)
end

--# Location: `string()`. All print as in Go. `type()` of each is `userdata`.
return function()
  local t = time.date(2024, 2, 29, 12, 34, 56, 120000000, time.utc)
  assert(tostring(t) == "2024-02-29 12:34:56.12 +0000 UTC", tostring(t))
  local there = t:in_location(time.fixed_zone("XST", -5400))
  assert(tostring(there) == "2024-02-29 11:04:56.12 -0130 XST", tostring(there))
  for text, printed in {
    ["90m"] = "1h30m0s",
    ["1500ms"] = "1.5s",
    ["2us"] = "2\u{b5}s",
    ["1.5ms"] = "1.5ms",
    ["7ns"] = "7ns",
    ["0"] = "0s",
    ["-61s"] = "-1m1s",
  } do
    assert(tostring(time.parse_duration(text)) == printed, text)
  end
  assert(tostring(time.utc) == "UTC")
  for _, value in { t, time.parse_duration("1s"), time.utc } do
    assert(type(value) == "userdata")
  end
  print(time.parse_duration("1h"), time.utc)
end
--@ stdout
-- 1h0m0s	UTC
