//! What is told: records, tables, a chart.

use std::fmt::Write;

use serde::Serialize;

use crate::case::{Case, Work};
use crate::measure::{Measured, Round, micros};
use crate::side::Side;

/// What one side reached in one case: medians over the rounds. What a case does not have is null.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The case's name.
    pub case: String,
    /// How many connections there were at once.
    pub connections: usize,
    /// The length of a message. Transfers count blocks of this length.
    pub bytes: usize,
    /// Which way the data went in plugnet.
    pub lane: String,
    /// The side.
    pub side: String,
    /// Throughput, of all connections together.
    pub messages_per_second: Option<f64>,
    /// The CPU time of the server, divided by the messages.
    pub cpu_us_per_message: Option<f64>,
    /// Half of the messages took no longer.
    pub p50_us: Option<f64>,
    /// 99 of 100 messages took no longer.
    pub p99_us: Option<f64>,
    /// The most memory the server has had resident.
    pub peak_rss_kib: u64,
    /// Node's cost divided by this side's, the median of the rounds: 2 is twice as fast.
    pub speed_to_node: Option<f64>,
    /// The same with the component straight on WASI.
    pub speed_to_raw: Option<f64>,
    /// The median of what was compared.
    #[serde(skip)]
    cost: f64,
    #[serde(skip)]
    throughput_to_node: Option<f64>,
}

/// The records of a case.
pub fn records(case: &Case, measured: &[Measured]) -> Vec<Record> {
    let rounds_of = |name: &str| {
        let measured = measured
            .iter()
            .find(|measured| measured.side.name() == name);
        measured.map(|measured| measured.rounds.as_slice())
    };
    let (node, raw) = (rounds_of("node"), rounds_of("raw"));
    let timed = !matches!(case.work, Work::IdleMemory);
    let starts = matches!(case.work, Work::Start { .. });
    measured
        .iter()
        .map(|Measured { side, rounds }| {
            let of = |value: fn(&Round) -> Option<f64>| median(rounds.iter().filter_map(value));
            Record {
                case: case.name(),
                connections: case.connections,
                bytes: case.bytes,
                lane: case.lane.to_string(),
                side: side.name().to_owned(),
                messages_per_second: of(|round| Some(throughput(round)))
                    .filter(|_| timed && !starts),
                cpu_us_per_message: of(|round| {
                    Some(micros(round.sample.cpu) / round.sample.messages as f64)
                })
                .filter(|_| timed),
                p50_us: of(|round| percentile(round, 0.5)).filter(|_| timed),
                p99_us: of(|round| percentile(round, 0.99)).filter(|_| timed && !starts),
                peak_rss_kib: rounds
                    .iter()
                    .map(|round| round.peak_rss_kib)
                    .max()
                    .unwrap_or(0),
                speed_to_node: node.and_then(|node| ratio(node, rounds, |round| round.cost)),
                speed_to_raw: raw.and_then(|raw| ratio(raw, rounds, |round| round.cost)),
                cost: of(|round| Some(round.cost)).unwrap_or(0.0),
                throughput_to_node: node
                    .and_then(|node| ratio(rounds, node, throughput))
                    .filter(|_| timed && !starts),
            }
        })
        .collect()
}

fn throughput(round: &Round) -> f64 {
    round.sample.messages as f64 / round.sample.elapsed.as_secs_f64()
}

/// The median of `one / other`, round by round: what disturbs a round disturbs both.
fn ratio(one: &[Round], other: &[Round], value: fn(&Round) -> f64) -> Option<f64> {
    let pairs = one.iter().zip(other);
    median(pairs.map(|(one, other)| value(one) / value(other)))
}

fn percentile(round: &Round, part: f64) -> Option<f64> {
    let latencies = &round.sample.latencies;
    let at = (latencies.len() as f64 * part) as usize;
    let latency = latencies.get(at.min(latencies.len().checked_sub(1)?))?;
    Some(micros(*latency))
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// The head of the table, in Markdown: a column for the cost of each side, one for the speed of
/// each but Node, and three that have a value of each side.
pub fn head(sides: &[Side]) -> String {
    let names: Vec<&str> = sides.iter().map(Side::name).collect();
    let others: Vec<&str> = names.iter().copied().filter(is_compared).collect();
    let mut columns: Vec<String> = ["case", "connections", "bytes", "way"]
        .map(str::to_owned)
        .to_vec();
    columns.extend(names.iter().map(|name| format!("{name}, µs")));
    columns.extend(others.iter().map(|name| format!("{name} to node")));
    columns.push(format!("throughput to node: {}", others.join(", ")));
    columns.push(format!("p99, µs: {}", names.join(", ")));
    columns.push(format!("peak MiB: {}", names.join(", ")));
    let rule = vec!["--:"; columns.len() - 1].join(" | ");
    format!("| {} |\n| --- | {rule} |", columns.join(" | "))
}

fn is_compared(name: &&str) -> bool {
    *name != "node"
}

/// The line of a case.
pub fn line(case: &Case, sides: &[Side], records: &[Record]) -> String {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
    };
    let each = |wanted: fn(&&str) -> bool, value: &dyn Fn(&Record) -> String| {
        let names = sides.iter().map(Side::name).filter(wanted);
        let of = |name: &str| records.iter().find(|record| record.side == name);
        names
            .map(|name| of(name).map_or_else(|| "–".to_owned(), value))
            .collect::<Vec<_>>()
    };
    let cost = |record: &Record| match record.cpu_us_per_message {
        // What was measured is memory.
        None => format!("{:.2} KiB", record.cost),
        cpu => number(cpu, 1),
    };
    let mut columns = vec![
        case.name(),
        case.connections.to_string(),
        case.bytes.to_string(),
        case.lane.to_string(),
    ];
    columns.extend(each(|_| true, &cost));
    columns.extend(each(is_compared, &|record| number(record.speed_to_node, 2)));
    let throughput = |record: &Record| number(record.throughput_to_node, 2);
    columns.push(each(is_compared, &throughput).join(", "));
    columns.push(each(|_| true, &|record| number(record.p99_us, 0)).join(", "));
    let peak = |record: &Record| format!("{:.0}", record.peak_rss_kib as f64 / 1024.0);
    columns.push(each(|_| true, &peak).join(", "));
    format!("| {} |", columns.join(" | "))
}

/// The charts of what was measured.
pub fn charts(records: &[Record]) -> Vec<String> {
    let costs = ["echo", "unix-echo"].map(|case| chart(case, records));
    costs.into_iter().flatten().chain(bars(records)).collect()
}

/// The speed of the first side for messages that are larger, as a chart for Mermaid; absent if it
/// was not measured beside Node.
fn bars(records: &[Record]) -> Option<String> {
    let side = &records.first()?.side;
    let larger = |record: &&Record| record.side == *side && record.bytes > 64;
    let (mut labels, mut values) = (vec![], vec![]);
    for record in records.iter().filter(larger) {
        if let Some(speed) = record.speed_to_node {
            labels.push(format!(
                "\"{} {} × {} {}\"",
                record.case, record.connections, record.bytes, record.lane
            ));
            values.push(format!("{speed:.2}"));
        }
    }
    (!values.is_empty()).then(|| {
        format!(
            "```mermaid\nxychart-beta horizontal\n  title \"Speed of {side} to Node: larger messages\"\n  \
             x-axis [{}]\n  y-axis \"times as fast\"\n  bar [{}]\n```\n",
            labels.join(", "),
            values.join(", ")
        )
    })
}

/// Cost per message against connections, as a chart for Mermaid; absent if too little of it was
/// measured.
fn chart(case: &str, records: &[Record]) -> Option<String> {
    let echo = |record: &&Record| record.case == case && record.bytes == 64;
    let mut connections: Vec<_> = records.iter().filter(echo).map(|r| r.connections).collect();
    connections.dedup();
    let mut sides: Vec<&str> = vec![];
    for record in records.iter().filter(echo) {
        if !sides.contains(&record.side.as_str()) {
            sides.push(&record.side);
        }
    }
    if connections.len() < 2 {
        return None;
    }
    let labels: Vec<_> = connections.iter().map(usize::to_string).collect();
    let mut text = format!(
        "```mermaid\nxychart-beta\n  title \"{case} of 64 B: server CPU per message (lines from the first: {})\"\n  x-axis \"connections\" [{}]\n  y-axis \"µs\"\n",
        sides.join(", "),
        labels.join(", ")
    );
    for side in sides {
        let values: Option<Vec<String>> = connections
            .iter()
            .map(|&connections| {
                let mut records = records.iter().filter(echo);
                let record = records
                    .find(|record| record.connections == connections && record.side == side)?;
                Some(format!("{:.1}", record.cpu_us_per_message?))
            })
            .collect();
        // A string takes whatever is written to it.
        let _ = writeln!(text, "  line [{}]", values?.join(", "));
    }
    text.push_str("```\n");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::median;

    /// The median is the middle one, between the two middle ones of an even number, and what is
    /// no number does not count.
    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median([1.0, f64::NAN].into_iter()), Some(1.0));
        assert_eq!(median([].into_iter()), None);
    }
}
