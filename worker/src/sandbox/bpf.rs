//! Filters of system calls as programs for the kernel's BPF machine (seccomp(2)).
//!
//! The architecture is checked first, then the number is looked for in a balanced tree: the kernel
//! runs a filter for every number when it is put on, so a list of sixty costs three times as much.
//! (It also remembers which numbers are allowed whatever their arguments, and then does not run it:
//! so where a call comes from is looked at only when it is not allowed anyway.)

use super::filter::{Argument, Rule};

/// One instruction (`struct sock_filter` of linux/filter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub(crate) code: u16,
    pub(crate) jt: u8,
    pub(crate) jf: u8,
    pub(crate) k: u32,
}

/// What the kernel does with a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is carried out.
    Allow,
    /// It is not carried out, and answered with this error number.
    Errno(u16),
    /// The process is killed with SIGSYS.
    Kill,
}

/// A whole filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Vec<Instruction>);

// linux/bpf_common.h and linux/seccomp.h
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;
const RET_KILL_PROCESS: u32 = 0x8000_0000;
const RET_ERRNO: u32 = 0x0005_0000;
const RET_ALLOW: u32 = 0x7fff_0000;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ORIGIN: u32 = 8;
const ARGUMENTS: u32 = 16;

/// A jump whose distance is not known yet: to what is done where no rule fits.
const OTHERWISE: Instruction = Instruction { code: JUMP, jt: 0, jf: 0, k: u32::MAX };

/// `AUDIT_ARCH_*` of linux/audit.h: a number means another call on another architecture, and one
/// process can use several (`int 0x80`).
#[cfg(target_arch = "x86_64")]
const NATIVE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const NATIVE: u32 = 0xc000_00b7;

/// An instruction that is no conditional jump.
fn plain(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

fn load(offset: u32) -> Instruction {
    plain(LOAD, offset)
}

fn ret(decision: Decision) -> Instruction {
    let k = match decision {
        Decision::Allow => RET_ALLOW,
        Decision::Errno(errno) => RET_ERRNO | u32::from(errno),
        Decision::Kill => RET_KILL_PROCESS,
    };
    plain(RETURN, k)
}

impl Program {
    /// The program that decides as the rules say, by other rules for calls that come from the door,
    /// and kills on everything else. Of two rules for one number the first is taken.
    #[must_use]
    pub fn new(rules: &[Rule], door: u64, of_the_door: &[Rule]) -> Self {
        let mut all = vec![
            load(ARCHITECTURE),
            Instruction { code: JUMP_EQUAL, jt: 1, jf: 0, k: NATIVE },
            ret(Decision::Kill),
            load(NUMBER),
        ];
        all.extend(tree(&sorted(rules), OTHERWISE));
        let otherwise = all.len();
        for (index, instruction) in all.iter_mut().enumerate() {
            if *instruction == OTHERWISE {
                // From the one behind it.
                instruction.k = (otherwise - index - 1) as u32;
            }
        }
        let kill = ret(Decision::Kill);
        let mut from_door = vec![load(NUMBER)];
        from_door.extend(tree(&sorted(of_the_door), kill));
        for (offset, half) in [(ORIGIN + 4, door >> 32), (ORIGIN, door & 0xffff_ffff)] {
            all.push(load(offset));
            all.push(Instruction { code: JUMP_EQUAL, jt: 1, jf: 0, k: half as u32 });
            all.push(kill);
        }
        all.extend(from_door);
        Program(all)
    }

    pub(crate) fn instructions(&self) -> &[Instruction] {
        &self.0
    }
}

fn sorted(rules: &[Rule]) -> Vec<&Rule> {
    let mut sorted: Vec<&Rule> = rules.iter().collect();
    sorted.sort_by_key(|rule| rule.number);
    sorted.dedup_by_key(|rule| rule.number);
    sorted
}

/// Decides by the number, which is loaded; `otherwise` where no rule fits.
fn tree(rules: &[&Rule], otherwise: Instruction) -> Vec<Instruction> {
    match rules {
        [] => vec![otherwise],
        [only] => leaf(only, otherwise),
        _ => {
            let (below, from) = rules.split_at(rules.len() / 2);
            let left = tree(below, otherwise);
            let mut all = match u8::try_from(left.len()) {
                Ok(len) => {
                    vec![Instruction { code: JUMP_AT_LEAST, jt: len, jf: 0, k: from[0].number }]
                }
                // Too far for a conditional jump, which has one byte.
                Err(_) => vec![
                    Instruction { code: JUMP_AT_LEAST, jt: 0, jf: 1, k: from[0].number },
                    plain(JUMP, left.len() as u32),
                ],
            };
            all.extend(left);
            all.extend(tree(from, otherwise));
            all
        }
    }
}

fn leaf(rule: &Rule, otherwise: Instruction) -> Vec<Instruction> {
    let mut body = vec![ret(rule.decision), otherwise];
    for (index, argument) in rule.arguments.iter().rev() {
        body = check(*index, argument, body);
    }
    let other = u8::try_from(body.len() - 1).expect("a rule checks six arguments at most");
    body.insert(0, Instruction { code: JUMP_EQUAL, jt: 0, jf: other, k: rule.number });
    body
}

/// The checks of one argument in front of what comes after; the last instruction of that is for
/// where it does not fit.
fn check(index: u32, argument: &Argument, after: Vec<Instruction>) -> Vec<Instruction> {
    let low = ARGUMENTS + 8 * index;
    let (code, words) = match *argument {
        Argument::Is(value) => (JUMP_EQUAL, [value as u32, (value >> 32) as u32]),
        Argument::Within(mask) => (JUMP_ANY_BIT, [!mask as u32, (!mask >> 32) as u32]),
        // A C int: the kernel does not look at the upper half.
        Argument::IsInt(value) => return one_word(low, JUMP_EQUAL, value as u32, after),
        Argument::IntWithin(mask) => return one_word(low, JUMP_ANY_BIT, !mask as u32, after),
    };
    one_word(low, code, words[0], one_word(low + 4, code, words[1], after))
}

fn one_word(offset: u32, code: u16, k: u32, after: Vec<Instruction>) -> Vec<Instruction> {
    let other = u8::try_from(after.len() - 1).expect("a rule checks six arguments at most");
    let (jt, jf) = if code == JUMP_EQUAL { (0, other) } else { (other, 0) };
    let mut all = vec![load(offset), Instruction { code, jt, jf, k }];
    all.extend(after);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOOR: u64 = 0x7f12_3456_7002;

    /// What the kernel would do: its machine has one register and jumps forward only.
    fn run(program: &Program, architecture: u32, origin: u64, call: (u32, [u64; 6])) -> Decision {
        let (mut at, mut register) = (0, 0);
        loop {
            let i = program.0[at];
            at += 1;
            match i.code {
                LOAD => register = word(i.k, architecture, origin, call),
                JUMP => at += i.k as usize,
                JUMP_EQUAL => at += usize::from(if register == i.k { i.jt } else { i.jf }),
                JUMP_AT_LEAST => at += usize::from(if register >= i.k { i.jt } else { i.jf }),
                JUMP_ANY_BIT => at += usize::from(if register & i.k != 0 { i.jt } else { i.jf }),
                _ if i.k == RET_ALLOW => return Decision::Allow,
                _ if i.k == RET_KILL_PROCESS => return Decision::Kill,
                _ => return Decision::Errno((i.k & 0xffff) as u16),
            }
        }
    }

    fn word(offset: u32, architecture: u32, origin: u64, (number, args): (u32, [u64; 6])) -> u32 {
        match offset {
            NUMBER => number,
            ARCHITECTURE => architecture,
            ORIGIN => origin as u32,
            12 => (origin >> 32) as u32,
            _ => {
                let (index, rest) = ((offset - ARGUMENTS) / 8, (offset - ARGUMENTS) % 8);
                (args[index as usize] >> (8 * rest)) as u32
            }
        }
    }

    /// The same, as the rules say it; nothing where none fits.
    fn decided(rules: &[Rule], number: u32, arguments: [u64; 6]) -> Option<Decision> {
        let rule = rules.iter().find(|rule| rule.number == number)?;
        let fits = |(index, argument): &(u32, Argument)| {
            let value = arguments[*index as usize];
            match *argument {
                Argument::Is(wanted) => value == wanted,
                Argument::Within(mask) => value & !mask == 0,
                Argument::IsInt(wanted) => value as u32 == wanted as u32,
                Argument::IntWithin(mask) => value as u32 & !(mask as u32) == 0,
            }
        };
        rule.arguments.iter().all(fits).then_some(rule.decision)
    }

    fn check_all(rules: &[Rule], door: &[Rule], program: &Program, call: (u32, [u64; 6])) {
        let (number, arguments) = call;
        let anywhere = decided(rules, number, arguments);
        let from_door = anywhere.or(decided(door, number, arguments)).unwrap_or(Decision::Kill);
        let anywhere = anywhere.unwrap_or(Decision::Kill);
        assert_eq!(run(program, NATIVE, DOOR, call), from_door, "{call:?} from the door");
        for elsewhere in [0, DOOR - 2, DOOR + 1, DOOR ^ 1 << 32, DOOR ^ 1 << 63] {
            assert_eq!(run(program, NATIVE, elsewhere, call), anywhere, "{call:?}");
        }
        assert_eq!(run(program, NATIVE ^ 1, DOOR, call), Decision::Kill);
    }

    fn argument() -> impl Strategy<Value = Argument> {
        let value = prop_oneof![0..4u64, any::<u64>(), Just(u64::MAX)];
        prop_oneof![
            value.clone().prop_map(Argument::Is),
            value.prop_map(Argument::Within),
            (-2..4i32).prop_map(Argument::IsInt),
            (0..16i32).prop_map(Argument::IntWithin),
        ]
    }

    fn rule() -> impl Strategy<Value = Rule> {
        let decision = prop_oneof![Just(Decision::Allow), (1..4000u16).prop_map(Decision::Errno)];
        let arguments = prop::collection::vec((0..6u32, argument()), 0..4);
        (0..60u32, decision, arguments).prop_map(|(number, decision, arguments)| Rule {
            number,
            name: "",
            arguments,
            decision,
            why: "",
        })
    }

    proptest! {
        #[test]
        fn a_program_decides_as_its_rules(
            rules in prop::collection::vec(rule(), 0..60),
            door in prop::collection::vec(rule(), 0..60),
            calls in prop::collection::vec((0..64u32, prop::array::uniform6(0..8u64)), 50),
        ) {
            let program = Program::new(&rules, DOOR, &door);
            for call in calls {
                check_all(&rules, &door, &program, call);
            }
        }
    }

    #[test]
    fn the_real_filter_decides_as_its_tables() {
        use crate::sandbox::filter::{rules, rules_of_the_door};
        let (rules, door) = (rules(), rules_of_the_door());
        let program = Program::new(&rules, DOOR, &door);
        let values = [0, 1, 3, 6, 7, 9, 15, 0x22, 0x40, u64::from(u32::MAX), u64::MAX, 1 << 32];
        for number in (0..512).chain([0x4000_0000, 0x4000_0009, u32::MAX]) {
            for a in values {
                for b in values {
                    check_all(&rules, &door, &program, (number, [a, b, a, b, a, b]));
                }
            }
        }
        assert!(program.instructions().len() < 256);
    }
}
