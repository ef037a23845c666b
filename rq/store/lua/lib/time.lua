-- Redis time, once a script: NOW in seconds, NOW_US in microseconds; iso(us) is RQ's text form of an instant.
local T = redis.call('TIME')
local NOW = tonumber(T[1])
local NOW_US = NOW * 1e6 + tonumber(T[2])
local iso_second, iso_text

-- Days to civil date: Howard Hinnant, "chrono-compatible low-level date algorithms" (civil_from_days).
local function iso(us)
  local second = math.floor(us / 1e6)
  if second ~= iso_second then
    local z = math.floor(second / 86400) + 719468
    local era = math.floor(z / 146097)
    local doe = z - era * 146097
    local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
    local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
    local mp = math.floor((5 * doy + 2) / 153)
    local day = doy - math.floor((153 * mp + 2) / 5) + 1
    local month = mp < 10 and mp + 3 or mp - 9
    local year = yoe + era * 400 + (month <= 2 and 1 or 0)
    local rest = second % 86400
    iso_second = second
    iso_text = string.format('%04d-%02d-%02dT%02d:%02d:%02d', year, month, day,
      math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60)
  end
  return string.format('%s.%06dZ', iso_text, us - second * 1e6)
end

local function epoch(us) return string.format('%.6f', us / 1e6) end
