//! Times, durations and time zones: what the module `time` of scripts is written on top of
//! (`prelude/time.luau`). All of it is pure; clocks are in [`crate::clock`].

mod civil;
mod duration;
mod format;
#[cfg(test)]
mod golden;
mod layout;
mod parse;
mod take;
mod zone;

use civil::{Civil, SECOND_NS, in_range};
use ipc::Zones;
use mlua::{AnyUserData, IntoLua, Lua, LuaString, MultiValue, Result, Table, Value};
use parse::Place;
use zone::Zone;

/// Whole numbers that a script's number holds exactly.
const WHOLE_MAX: f64 = (1i64 << 53) as f64;

/// A whole number of a script; `None` where it has a fraction or is too large to be exact.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= WHOLE_MAX).then_some(number as i64)
}

/// A zone as the prelude has it: a userdata that no script ever sees.
fn object(lua: &Lua, zone: Zone) -> Result<AnyUserData> {
    lua.create_any_userdata(zone)
}

/// Adds the functions to the table of native functions.
pub(crate) fn install(lua: &Lua, native: &Table, zones: Zones) -> Result<()> {
    native.set("utc_zone", object(lua, Zone::utc())?)?;
    let local = zones.local().and_then(|(name, file)| Some((name, Zone::read(file)?)));
    let (name, local) = local.unwrap_or_else(|| ("UTC", Zone::utc()));
    native.set("local_name", name)?;
    native.set("local_zone", object(lua, local)?)?;
    native.set("has_zones", !zones.is_empty())?;
    let find = move |lua: &Lua, name: String| {
        zones.file(&name).and_then(Zone::read).map(|zone| object(lua, zone)).transpose()
    };
    native.set("find_zone", lua.create_function(find)?)?;
    native.set("fixed_zone", lua.create_function(fixed_zone)?)?;
    native.set("civil", lua.create_function(fields)?)?;
    native.set("instant", lua.create_function(instant)?)?;
    native.set("add_date", lua.create_function(add_date)?)?;
    native.set("format_time", lua.create_function(format_time)?)?;
    native.set("parse_time", lua.create_function(parse_time)?)?;
    native.set("round_time", lua.create_function(round_time)?)?;
    native.set(
        "parse_duration",
        lua.create_function(|_, text: LuaString| {
            let ns = text.to_str().ok().and_then(|text| duration::parse(&text));
            Ok(ns.map(|ns| ns as f64))
        })?,
    )?;
    // Saturating: what is longer is shown as the longest, as Go does.
    let text = |_: &Lua, ns: f64| Ok(duration::text(ns as i64));
    native.set("duration_text", lua.create_function(text)?)
}

/// `fixed_zone(abbreviation, offset)`; nothing where the offset is no number of seconds.
fn fixed_zone(lua: &Lua, (name, offset): (LuaString, f64)) -> Result<Option<AnyUserData>> {
    let Some(offset) = whole(offset).and_then(|offset| i32::try_from(offset).ok()) else {
        return Ok(None);
    };
    object(lua, Zone::Fixed { abbreviation: name.to_string_lossy(), offset }).map(Some)
}

/// `civil(zone, seconds)`: year, month, day, hour, minute, second, weekday, day of the year.
fn fields(_: &Lua, (zone, seconds): (AnyUserData, f64)) -> Result<[f64; 8]> {
    let seconds = seconds as i64;
    let at = Civil::at(seconds + i64::from(zone.borrow::<Zone>()?.at(seconds).offset));
    let small = [at.month, at.day, at.hour, at.minute, at.second, at.weekday].map(f64::from);
    let [month, day, hour, minute, second, weekday] = small;
    Ok([at.year as f64, month, day, hour, minute, second, weekday, at.year_day.into()])
}

/// `instant(zone, year, month, day, hour, minute, second, nanosecond)`: seconds and nanoseconds;
/// nothing where one is no whole number, or all together are beyond every time.
fn instant(_: &Lua, (zone, fields): (AnyUserData, [f64; 7])) -> Result<Option<[f64; 2]>> {
    let zone = zone.borrow::<Zone>()?;
    let made = || {
        let mut whole_fields = [0; 7];
        for (field, number) in whole_fields.iter_mut().zip(fields) {
            *field = whole(number)?;
        }
        let [year, month, day, hour, minute, second, nanosecond] = whole_fields;
        let second = second + nanosecond.div_euclid(SECOND_NS);
        let seconds = zone.seconds_of([year, month, day, hour, minute, second])?;
        Some([seconds as f64, nanosecond.rem_euclid(SECOND_NS) as f64])
    };
    Ok(made())
}

/// `add_date(zone, seconds, years, months, days)`: seconds; nothing as for `instant`.
fn add_date(_: &Lua, (zone, seconds, add): (AnyUserData, f64, [f64; 3])) -> Result<Option<f64>> {
    let zone = zone.borrow::<Zone>()?;
    let seconds = seconds as i64;
    let at = Civil::at(seconds + i64::from(zone.at(seconds).offset));
    let [month, day, hour, minute, second] =
        [at.month, at.day, at.hour, at.minute, at.second].map(i64::from);
    let added = || {
        let (years, months, days) = (whole(add[0])?, whole(add[1])?, whole(add[2])?);
        zone.seconds_of([at.year + years, month + months, day + days, hour, minute, second])
    };
    Ok(added().map(|seconds| seconds as f64))
}

/// `format_time(zone, seconds, nanosecond, layout)`
fn format_time(
    lua: &Lua,
    (zone, seconds, nanosecond, layout): (AnyUserData, f64, f64, LuaString),
) -> Result<LuaString> {
    let zone = zone.borrow::<Zone>()?;
    let text = format::format(&zone, seconds as i64, nanosecond as u32, &layout.as_bytes());
    lua.create_string(text)
}

/// `parse_time(layout, text, unsaid, local)`: seconds, nanoseconds and the place that the text names:
/// nothing, "utc", "local", or a name and a zone. Where it is no such text, nothing and why.
fn parse_time(
    lua: &Lua,
    (layout, text, unsaid, local): (LuaString, LuaString, AnyUserData, AnyUserData),
) -> Result<MultiValue> {
    let (unsaid, local) = (unsaid.borrow::<Zone>()?, local.borrow::<Zone>()?);
    let parsed = match parse::parse(&layout.as_bytes(), &text.as_bytes(), &unsaid, &local) {
        Ok(parsed) => parsed,
        Err(message) => {
            return Ok(MultiValue::from_iter([Value::Nil, message.into_lua(lua)?]));
        }
    };
    let mut found = MultiValue::from_iter([
        Value::Number(parsed.seconds as f64),
        Value::Number(parsed.nanosecond.into()),
    ]);
    match parsed.place {
        Place::Unsaid => {}
        Place::Utc => found.push_back("utc".into_lua(lua)?),
        Place::Local => found.push_back("local".into_lua(lua)?),
        Place::Made { abbreviation, offset } => {
            found.push_back(abbreviation.as_str().into_lua(lua)?);
            found.push_back(object(lua, Zone::Fixed { abbreviation, offset })?.into_lua(lua)?);
        }
    }
    Ok(found)
}

/// Seconds from the beginning of the year 1, from which roundings count, to that of 1970.
const BEFORE_1970: i64 = 62_135_596_800;

/// `round_time(seconds, nanosecond, duration, up)`: to a multiple of the duration, down or, where
/// `up`, to the nearest one, of which the later where there are two.
fn round_time(_: &Lua, (seconds, ns, by, up): (f64, f64, f64, bool)) -> Result<Option<[f64; 2]>> {
    let second = i128::from(SECOND_NS);
    let (seconds, by) = (seconds as i128 + i128::from(BEFORE_1970), by as i128);
    let total = seconds * second + ns as i128;
    if by <= 0 {
        return Ok(Some([(seconds - i128::from(BEFORE_1970)) as f64, ns]));
    }
    let rest = total.rem_euclid(by);
    let total = if up && rest * 2 >= by { total - rest + by } else { total - rest };
    let seconds = in_range(total.div_euclid(second) - i128::from(BEFORE_1970));
    Ok(seconds.map(|seconds| [seconds as f64, total.rem_euclid(second) as f64]))
}

#[cfg(test)]
mod tests {
    use crate::Vm;
    use ipc::Zones;
    use ipc::zones::file_of;

    /// What a script gives on a machine with these zones.
    fn says(zones: Zones, script: &str) -> String {
        let vm = Vm::new(zones).expect("a state");
        let globals: mlua::Table = vm.wabe.get("globals").expect("the prelude's globals");
        let said = vm.lua.load(script).set_environment(globals).eval();
        said.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    #[test]
    fn without_a_database_there_is_utc_and_a_clear_error() {
        let script = "
            local none, err = time.load_location('Europe/Berlin')
            local utc = assert(time.load_location('UTC'))
            return tostring(none) .. err:kind() .. ' ' .. tostring(err) .. utc:string() .. time.localtz:string()";
        let said = says(Zones::default(), script);
        let wanted = "nilNotFound time zone 'Europe/Berlin' not found: this machine has no database of \
                      time zones (/usr/share/zoneinfo), only UTCUTCUTC";
        assert_eq!(said, wanted);
    }

    #[test]
    fn zones_come_from_the_machine_and_one_is_its_own() {
        let zones =
            Zones::new([("X/Y".to_owned(), file_of("XST-1:30")), ("Z".to_owned(), vec![1])]);
        let script = "
            local there = assert(time.load_location('X/Y'))
            local t = time.unix(0, 0)
            assert(time.load_location('Z') == nil, 'what is no zone is none')
            return t:format('15:04 MST') .. ' ' .. t:in_location(there):format('15:04 MST')";
        let said = says(zones.with_local("Here", &file_of("HST10")), script);
        assert_eq!(said, "14:00 HST 01:30 XST");
    }
}
