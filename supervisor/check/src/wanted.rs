//! Which findings of the analyzer are mistakes: it is stricter than a script has to be.

use crate::Spot;
use crate::look::Look;
use luau_analysis::diagnostics::error::{TypeError, TypeErrorData};

/// What the analyzer cannot know and a script may do all the same.
const STRICTER: [&str; 4] = [
    // A loop over `{a = f, b = g}`.
    "without indexer",
    // An iterator that ends with a plain `return`.
    "next() does not return enough values",
    // The consequence of something else.
    "*error-type*",
    // A call of one of several functions that are called alike.
    "Cannot call a value of the union type",
];

/// True for a finding that is a mistake of the app.
pub(crate) fn is_wanted(error: &TypeError, message: &str, spot: &Spot, look: &Look) -> bool {
    let Spot::Source(start, end) = *spot else { return true };
    let place = start..end;
    if STRICTER.iter().any(|text| message.contains(text)) || is_excused(message, look, &place) {
        return false;
    }
    // Where nobody wrote `unknown`, it is the analyzer that does not know.
    if !look.says_unknown && has_word(message, "unknown") {
        return false;
    }
    match &error.data {
        // Found by our own looks, with what to do.
        TypeErrorData::UnknownRequire(_) | TypeErrorData::SyntaxError(_) => false,
        // Luau wants every way out of a function to return the same; here a body that returns nothing,
        // or `nil, err`, says something each time. Who writes down what it returns is held to it.
        TypeErrorData::FunctionExitsWithoutReturning(_) => false,
        TypeErrorData::TypeMismatch(_) | TypeErrorData::TypePackMismatch(_) => {
            let second = message.contains("got 'Error'") || message.contains("got 'Error?'");
            let passed_on = second && look.open.contains(&place);
            !look.returns.contains(&place) && !passed_on && !may_fit(message)
        }
        // `tostring(time.parse_duration(text))`: what is given beyond what is taken is dropped.
        TypeErrorData::CountMismatch(count) => {
            count.actual < count.expected || !look.open.contains(&place)
        }
        TypeErrorData::MultipleNonviableOverloads(_) => !look.open.contains(&place),
        // It belongs to the one before.
        TypeErrorData::ExtraInformation(_) => false,
        // `errors[name]`, `builder[name]`: a name that is computed.
        TypeErrorData::CannotExtendTable(_) => !message.starts_with("Cannot add indexer"),
        TypeErrorData::DynamicPropertyLookupOnExternTypesUnsafe(_) => false,
        // Channels of several kinds are compared where a select has returned.
        TypeErrorData::CannotCompareUnrelatedTypes(_) => !message.contains("Channel"),
        // A field that only some tables of a list have is nil in the others.
        TypeErrorData::MissingUnionProperty(_) => false,
        // Advice, and what could not be inferred.
        TypeErrorData::ExplicitFunctionAnnotationRecommended(_)
        | TypeErrorData::GenericBoundsMismatch(_) => false,
        _ => true,
    }
}

/// True where it says no more than that a value may be nil whose error the script tests.
fn is_excused(message: &str, look: &Look, place: &std::ops::Range<usize>) -> bool {
    let of_nil = ["?", "nil"].iter().any(|text| message.contains(text));
    let first = look.excused.partition_point(|at| *at < place.start);
    of_nil && look.excused.get(first).is_some_and(|at| place.contains(at))
}

/// True where a value is of one of several types, as an element of a mixed list is, and one of them is
/// wanted. That it may be nil is no such case.
fn may_fit(message: &str) -> bool {
    let mut quoted = message.split('\'').skip(1).step_by(2);
    let (Some(wanted), Some(given)) = (quoted.next(), quoted.next()) else { return false };
    let wanted: Vec<_> = wanted.split(" | ").collect();
    given.contains(" | ") && given.split(" | ").any(|one| wanted.contains(&one))
}

fn has_word(message: &str, word: &str) -> bool {
    message.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}
