-- Text as the exceptions in results are stored: base64 of zlib, here of one stored block.
local DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
local LONGEST_TEXT = 8000 -- bytes: 1 ms

local function base64(raw)
  local out = {}
  for i = 1, #raw, 3 do
    local a, b, c = string.byte(raw, i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    for place = 18, 0, -6 do
      local digit = math.floor(n / 2 ^ place) % 64 + 1
      out[#out + 1] = string.sub(DIGITS, digit, digit)
    end
    if not b then out[#out - 1] = '=' end
    if not c then out[#out] = '=' end
  end
  return table.concat(out)
end

local function pack_text(text)
  text = string.sub(text, 1, LONGEST_TEXT)
  local n, a, b = #text, 1, 0
  for i = 1, n do
    a = (a + string.byte(text, i)) % 65521
    b = (b + a) % 65521
  end
  local function high(value) return math.floor(value / 256) end
  local size = string.char(n % 256, high(n), 255 - n % 256, 255 - high(n))
  return base64('\120\1\1' .. size .. text .. string.char(high(b), b % 256, high(a), a % 256))
end
