-- Whether bytes are UTF-8. Ids that are not cannot be named by any program that reads ids as text, as all RQs do.
local FORMS = { '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '[\225-\236\238\239][\128-\191][\128-\191]',
  '\237[\128-\159][\128-\191]', '\240[\144-\191][\128-\191][\128-\191]', '[\241-\243][\128-\191][\128-\191][\128-\191]',
  '\244[\128-\143][\128-\191][\128-\191]' }

local function is_text(bytes)
  if not string.find(bytes, '[\128-\255]') then return true end
  for _, form in ipairs(FORMS) do bytes = string.gsub(bytes, form, ' ') end
  return not string.find(bytes, '[\128-\255]')
end
