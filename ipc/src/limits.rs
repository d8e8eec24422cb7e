//! Every limit of the wire and of the node, by name. Sizes are bytes unless the name says otherwise.

/// Longest header of a frame. Headers carry ids, topics and one error text, never payloads.
pub const HEADER_MAX: usize = 16 * 1024;

/// Longest topic of a message.
pub const TOPIC_MAX: usize = 255;

/// Longest registered name.
pub const NAME_MAX: usize = 255;

/// Longest id of an entry or of a host (`namespace:name`).
pub const ID_MAX: usize = 255;

/// Longest error text that travels in a header; longer ones are cut.
pub const TEXT_MAX: usize = 4 * 1024;

/// Longest encoded message, result or argument list, where the host does not say otherwise.
pub const MESSAGE_DEFAULT: usize = 4 << 20;

/// Largest `message` limit that a host may ask for.
pub const MESSAGE_MAX: usize = 256 << 20;

/// Encoded bytes that may wait for a process before sends to it fail, where the host does not say.
pub const MAILBOX_DEFAULT: usize = 16 << 20;

/// Largest `mailbox` limit that a host may ask for.
pub const MAILBOX_MAX: usize = 1 << 30;

/// Memory of one process, where the host does not say otherwise.
pub const MEMORY_DEFAULT: u64 = 64 << 20;

/// Smallest `memory` limit that a host may ask for.
pub const MEMORY_MIN: u64 = 4 << 20;

/// Largest `memory` limit that a host may ask for.
pub const MEMORY_MAX: u64 = 64 << 30;

/// CPU time without yielding, in nanoseconds, where the host does not say otherwise.
pub const TURN_DEFAULT_NS: u64 = 10_000_000_000;

/// Live processes that one process has spawned, where the host does not say otherwise.
pub const CHILDREN_DEFAULT: u32 = 10_000;

/// Lines that one process may print each second, where the host does not say otherwise.
pub const LOG_RATE_DEFAULT: u32 = 100_000;

/// Time in nanoseconds after which a process that was told something and has said nothing is asked
/// whether it lives, and that it then has to say so, as long as it does not compute.
pub const WATCHDOG_NS: u64 = 5_000_000_000;

/// Bytes that may lie in all outboxes of a supervisor together.
pub const OUTBOXES_MAX: usize = 1 << 30;

/// Kinds of denied calls (host, call, object, field) that are counted one by one.
pub const DENIALS_MAX: usize = 1000;

/// Processes of one host at a time, where the host does not say otherwise.
pub const PROCESSES_DEFAULT: u32 = 10_000;

/// Bytes that may lie in the supervisor for one worker beyond twice its mailbox limit: room for
/// events and replies. A worker that lets more pile up does not read, and is ended.
pub const OUTBOX_SLACK: usize = 8 << 20;

/// What a message is charged beside its topic and its payload: no less than the frame that delivers
/// it adds (the text of a PID has at most 281 bytes), so that a mailbox's limit bounds an outbox.
pub const MESSAGE_OVERHEAD: usize = 320;

/// Bytes that a sender may pipeline to one destination before it must ask again.
pub const ROUTE_CREDIT_MAX: usize = 1 << 20;

/// Open routes of one sender. Beyond it every send asks, which is slower but not wrong.
pub const ROUTES_MAX: usize = 4096;

/// Links of one process.
pub const LINKS_MAX: usize = 100_000;

/// Names that one process holds.
pub const NAMES_MAX: usize = 1024;

/// Calls of one worker that are not answered yet.
pub const CALLS_MAX: usize = 65_536;

/// Text of one `Print` frame. A longer text is printed in pieces.
pub const PRINT_MAX: usize = 64 * 1024;

/// CANCELs that may wait unread for one process. It is the one event whose number others choose;
/// one that has so many learns nothing from a further one.
pub const CANCELS_MAX: u32 = 64;

/// Open routes from one sender to one destination: by its PID and by some names.
pub const ROUTES_PER_PAIR_MAX: usize = 4;

/// Tables in tables of one value. Deeper ones do not travel.
pub const DEPTH_MAX: usize = 64;

/// Time a process has to load (fork, compile, top level of its script), in nanoseconds.
pub const START_MAX_NS: u64 = 10_000_000_000;

/// Time a worker has to exit after it said that its body ended, in nanoseconds.
pub const EXIT_MAX_NS: u64 = 2_000_000_000;

/// Source text of one entry.
pub const SOURCE_MAX: usize = 8 << 20;

/// One file of the system's time zone database. The largest has some 4 KiB.
pub const ZONE_FILE_MAX: usize = 16 * 1024;

/// All its files together, each counted once for each name.
pub const ZONES_MAX: usize = 8 << 20;

/// One packet between supervisor and zygote.
pub const PACKET_MAX: usize = 4 * 1024;

/// Smallest `message` limit that a host or an entry may ask for.
pub const MESSAGE_MIN: usize = 1024;

/// Smallest `mailbox` limit that a host or an entry may ask for.
pub const MAILBOX_MIN: usize = 4096;

/// Messages that must fit into the memory of a process: while one is decoded its bytes, its values
/// and what the script makes of them are there at once.
pub const MESSAGES_IN_MEMORY: u64 = 4;

/// Messages that must fit into a mailbox: room for one must be left while the receiver's report of
/// what it took is due.
pub const MESSAGES_IN_MAILBOX: u64 = 2;

/// Shortest `turn` limit, in nanoseconds: below it a collection of garbage could end a process.
pub const TURN_MIN_NS: u64 = 10_000_000;

/// Longest `turn` limit, in nanoseconds. It cannot be switched off.
pub const TURN_MAX_NS: u64 = 3_600_000_000_000;

/// Least `cpu` limit, in seconds: the kernel counts no finer (RLIMIT_CPU).
pub const CPU_MIN_S: u64 = 1;

/// Largest `cpu` limit that is not `none`, in seconds: ten years.
pub const CPU_MAX_S: u64 = 87_600 * 3600;

/// Shortest `wall` limit, in nanoseconds.
pub const WALL_MIN_NS: u64 = 10_000_000;

/// Longest `wall` limit that is not `none`, in nanoseconds: ten years.
pub const WALL_MAX_NS: u64 = CPU_MAX_S * 1_000_000_000;

/// Largest `children` limit that a host or an entry may ask for.
pub const CHILDREN_MAX: u32 = 1_000_000;

/// Largest `log_rate` limit that a host or an entry may ask for.
pub const LOG_RATE_MAX: u32 = 1_000_000;

/// Largest `max_processes` that a host may ask for.
pub const PROCESSES_MAX: u32 = 1_000_000;

/// Processes at a time of a host that is marked untrusted, where it does not say otherwise.
pub const PROCESSES_UNTRUSTED: u32 = 100;

/// Workers of a host that are forked before a process needs them, where it does not say otherwise.
pub const WARM_DEFAULT: u32 = 4;

/// The same of a strict host, where each worker has a zygote of its own and shares no memory.
pub const WARM_STRICT: u32 = 1;

/// Largest `nice` that a host may ask for: as far as setpriority(2) goes.
pub const NICE_MAX: u8 = 19;

/// `nice` of a host that is marked untrusted and says nothing else: beside it a trusted one has some
/// thirty times as much CPU, where both want it.
pub const NICE_UNTRUSTED: u8 = 15;

/// Largest `warm` that a host may ask for.
pub const WARM_MAX: u32 = 256;

/// Longest pattern of a host's permissions.
pub const PATTERN_MAX: usize = 255;

/// Services of an app.
pub const SERVICES_MAX: usize = 1000;

/// Time after which a service runs well, where it does not say otherwise: its next failure is the first
/// one again.
pub const STABLE_DEFAULT_NS: u64 = 10_000_000_000;

/// Shortest delay before a service is started again, and shortest period of a group.
pub const DELAY_MIN_NS: u64 = 1_000_000;

/// Longest delay before a service is started again.
pub const DELAY_MAX_NS: u64 = 24 * 3600 * 1_000_000_000;

/// Largest `backoff_factor`.
pub const FACTOR_MAX: f64 = 100.0;

/// Largest `max_attempts` that is not `none`.
pub const ATTEMPTS_MAX: u32 = 1_000_000;

/// Largest `intensity` of a group: so many restarts are remembered.
pub const INTENSITY_MAX: u32 = 1000;

/// `period` of a group that does not say otherwise.
pub const PERIOD_DEFAULT_NS: u64 = 5_000_000_000;

/// Entries that do not load of which a reload tells.
pub const BROKEN_MAX: usize = 16;

/// Time without a change of an app's files after which it is read again.
pub const QUIET_NS: u64 = 100_000_000;

/// Time after the first change when it is read again, quiet or not.
pub const UNQUIET_MAX_NS: u64 = 2_000_000_000;

/// Folders of an app that can be watched.
pub const FOLDERS_MAX: usize = 10_000;
