//! Time.

use crate::item::{Alias, Class, Item, Module, f, v};

#[rustfmt::skip]
pub(crate) const TIME: Module = Module {
    name: "time",
    doc: "Waiting, instants, durations and zones",
    items: &[
        f("sleep", "duration: Span", "(boolean?, Error?)", "Invalid", "Waits; zero or less returns at once"),
        f("after", "duration: Span", "(Channel<Time>, Error?)", "Invalid", "A channel that gives one Time, then is closed"),
        f("timer", "duration: Span", "(Timer, Error?)", "Invalid", "A timer that can be stopped and reset"),
        f("ticker", "duration: Span", "(Ticker, Error?)", "Invalid", "A channel that gives a Time again and again"),
        f("now", "", "Time", "", "This instant"),
        f("unix", "sec: number, nsec: number", "(Time, Error?)", "Invalid", "The instant so many seconds after 1970"),
        f("date", "year: number, month: number, day: number, hour: number, minute: number, second: number, nanosecond: number, location: Location?", "(Time, Error?)", "Invalid", "An instant of the calendar; in the local zone without a location"),
        f("parse", "layout: string, text: string, location: Location?", "(Time?, Error?)", "Invalid", "The instant that a text says, in a layout as Go's"),
        f("parse_duration", "value: string | number", "(Duration?, Error?)", "Invalid", "The Duration of a text or a number of nanoseconds"),
        f("load_location", "name: string", "(Location?, Error?)", "Invalid NotFound", "A zone by its name, such as `Europe/Berlin`"),
        f("fixed_zone", "name: string, offset: number", "(Location, Error?)", "Invalid", "A zone so many seconds east of UTC"),
        v("utc", "Location", "UTC"),
        v("localtz", "Location", "The local zone"),
        v("NANOSECOND", "number", "1"),
        v("MICROSECOND", "number", "In nanoseconds"),
        v("MILLISECOND", "number", "In nanoseconds"),
        v("SECOND", "number", "In nanoseconds"),
        v("MINUTE", "number", "In nanoseconds"),
        v("HOUR", "number", "In nanoseconds"),
        v("JANUARY", "number", "1"), v("FEBRUARY", "number", "2"), v("MARCH", "number", "3"),
        v("APRIL", "number", "4"), v("MAY", "number", "5"), v("JUNE", "number", "6"),
        v("JULY", "number", "7"), v("AUGUST", "number", "8"), v("SEPTEMBER", "number", "9"),
        v("OCTOBER", "number", "10"), v("NOVEMBER", "number", "11"), v("DECEMBER", "number", "12"),
        v("SUNDAY", "number", "0"), v("MONDAY", "number", "1"), v("TUESDAY", "number", "2"),
        v("WEDNESDAY", "number", "3"), v("THURSDAY", "number", "4"), v("FRIDAY", "number", "5"),
        v("SATURDAY", "number", "6"),
        layout("LAYOUT"), layout("ANSIC"), layout("UNIX_DATE"), layout("RUBY_DATE"), layout("RFC822"),
        layout("RFC822Z"), layout("RFC850"), layout("RFC1123"), layout("RFC1123Z"), layout("RFC3339"),
        layout("RFC3339_NANO"), layout("KITCHEN"), layout("STAMP"), layout("STAMP_MILLI"),
        layout("STAMP_MICRO"), layout("STAMP_NANO"), layout("DATE_TIME"), layout("DATE_ONLY"),
        layout("TIME_ONLY"),
    ],
};

const fn layout(name: &'static str) -> Item {
    v(name, "string", "A layout of Go's")
}

#[rustfmt::skip]
pub(crate) const TIME_OBJECT: Class = Class {
    name: "Time",
    runtime: "Time",
    doc: "An instant, with a location in which it is shown",
    items: &[
        f("add", "duration: Span", "(Time, Error?)", "Invalid", "The instant so much later"),
        f("sub", "other: Time", "Duration", "", "The time since another instant"),
        f("add_date", "years: number, months: number, days: number", "(Time, Error?)", "Invalid", "The same time of another day"),
        f("before", "other: Time", "boolean", "", "True where it is earlier"),
        f("after", "other: Time", "boolean", "", "True where it is later"),
        f("equal", "other: Time", "boolean", "", "True for the same instant, whatever the locations"),
        f("format", "layout: string", "string", "", "The text in a layout as Go's"),
        f("format_rfc3339", "", "string", "", "The text as RFC 3339 has it"),
        f("unix", "", "number", "", "Seconds since 1970"),
        f("unix_nano", "", "number", "", "Nanoseconds since 1970"),
        f("date", "", "(number, number, number)", "", "Year, month, day"),
        f("clock", "", "(number, number, number)", "", "Hour, minute, second"),
        f("year", "", "number", "", "The year"),
        f("month", "", "number", "", "The month, 1 to 12"),
        f("day", "", "number", "", "The day of the month"),
        f("hour", "", "number", "", "The hour"),
        f("minute", "", "number", "", "The minute"),
        f("second", "", "number", "", "The second"),
        f("nanosecond", "", "number", "", "The nanosecond in its second"),
        f("weekday", "", "number", "", "The day of the week, Sunday is 0"),
        f("year_day", "", "number", "", "The day of the year, from 1"),
        f("is_zero", "", "boolean", "", "True for the first instant of the year 1"),
        f("utc", "", "Time", "", "The same instant in UTC"),
        f("in_local", "", "Time", "", "The same instant in the local zone"),
        f("in_location", "location: Location", "Time", "", "The same instant in a location"),
        f("location", "", "Location", "", "Its location"),
        f("round", "duration: Duration", "(Time, Error?)", "Invalid", "The nearest multiple of a Duration"),
        f("truncate", "duration: Duration", "(Time, Error?)", "Invalid", "The last multiple of a Duration"),
    ],
};

#[rustfmt::skip]
pub(crate) const DURATION: Class = Class {
    name: "Duration",
    runtime: "Duration",
    doc: "A span of time",
    items: &[
        f("hours", "", "number", "", "In hours, with a fraction"),
        f("minutes", "", "number", "", "In minutes, with a fraction"),
        f("seconds", "", "number", "", "In seconds, with a fraction"),
        f("milliseconds", "", "number", "", "In whole milliseconds"),
        f("microseconds", "", "number", "", "In whole microseconds"),
        f("nanoseconds", "", "number", "", "In nanoseconds"),
    ],
};

#[rustfmt::skip]
pub(crate) const LOCATION: Class = Class {
    name: "Location",
    runtime: "Location",
    doc: "A time zone",
    items: &[f("string", "", "string", "", "Its name")],
};

#[rustfmt::skip]
pub(crate) const TIMER: Class = Class {
    name: "Timer",
    runtime: "Timer",
    doc: "What `time.timer` gives",
    items: &[
        f("channel", "", "Channel<Time>", "", "The channel that gives one Time"),
        f("response", "", "Channel<Time>", "", "The same"),
        f("stop", "", "boolean", "", "Stops it and closes its channel; false where it was over"),
        f("reset", "duration: Span", "(boolean?, Error?)", "Invalid", "Starts it anew; false where it was over"),
    ],
};

#[rustfmt::skip]
pub(crate) const TICKER: Class = Class {
    name: "Ticker",
    runtime: "Ticker",
    doc: "What `time.ticker` gives",
    items: &[
        f("channel", "", "Channel<Time>", "", "The channel; ticks are dropped where nobody reads"),
        f("stop", "", "boolean", "", "Stops it and closes its channel; false where it was stopped"),
    ],
};

pub(crate) const SPAN: Alias = Alias {
    name: "Span",
    luau: "number | string | Duration",
    runtime: "duration",
    doc: "A number of nanoseconds, a text such as `1h30m`, or a Duration",
};
