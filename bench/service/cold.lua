-- Asks about another moment with each request; bench/service/cases.py says which, and writes the
-- same. Arguments: what stands before and after the moment in the address, the first day (seconds
-- since 1970), the number of days, and the first moment's number.
local before, after, first, days, number

function init(args)
  before, after = args[1], args[2]
  first, days, number = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
end

function request()
  local day = os.date("!%Y-%m-%d", first + (number % days) * 86400)
  local second = math.floor(number / 1000000)
  local clock = string.format("%02d:%02d:%02d.%06d", math.floor(second / 3600),
    math.floor(second / 60) % 60, second % 60, number % 1000000)
  number = number + 1
  return wrk.format("GET", before .. day .. "T" .. clock .. "Z" .. after)
end
