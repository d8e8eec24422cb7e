// Actors of Node's child_process: prints start to end and round trip (p50, us).

const { fork } = require("node:child_process");
const { once } = require("node:events");

async function p50(count, operation) {
    const times = [];
    for (let i = 0; i < count; i++) {
        const began = process.hrtime.bigint();
        await operation();
        times.push(Number(process.hrtime.bigint() - began));
    }
    return times.sort((a, b) => a - b)[count >> 1] / 1e3;
}

async function ask(actor, text) {
    const answer = once(actor, "message");
    actor.send(text);
    await answer;
}

async function end(actor) {
    const exit = once(actor, "exit");
    actor.disconnect();
    await exit;
}

async function main(starts, trips) {
    const text = "x".repeat(100);
    const figures = {
        start: await p50(starts, () => once(fork(__filename, ["empty"]), "exit")),
    };
    const one = fork(__filename, ["echo"]);
    await ask(one, text);
    figures.round_trip = await p50(trips, () => ask(one, text));
    await end(one);
    console.log(JSON.stringify(figures));
}

const [what, ...rest] = process.argv.slice(2);
if (what === "echo") {
    process.on("message", (message) => process.send(message));
} else if (what !== "empty") {
    main(Number(what), ...rest.map(Number));
}
