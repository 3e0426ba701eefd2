//! What the passes of this process came to.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// From ten seconds to a day.
const BUCKETS: [f64; 10] =
    [10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 3.0 * 3600.0, 6.0 * 3600.0, 24.0 * 3600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    status: String,
    trigger: String,
}

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Passes {
    passes: Family<Labels, Counter>,
    duration: Histogram,
    bytes: Counter,
}

impl Default for Passes {
    fn default() -> Self {
        Passes { passes: Family::default(), duration: Histogram::new(BUCKETS), bytes: Counter::default() }
    }
}

impl Passes {
    /// A pass has ended and put so many bytes to its destinations.
    pub fn pass_ended(&self, status: &str, trigger: &str, seconds: f64, bytes: u64) {
        let labels = Labels { status: status.to_owned(), trigger: trigger.to_owned() };
        self.passes.get_or_create(&labels).inc();
        self.duration.observe(seconds);
        self.bytes.inc_by(bytes);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "storekeep_passes",
            "Passes that this process ended, by what they came to and what started them",
            self.passes.clone(),
        );
        registry.register(
            "storekeep_pass_duration_seconds",
            "How long passes took from their start to their end",
            self.duration.clone(),
        );
        registry.register(
            "storekeep_pass_bytes",
            "Bytes that passes put to their destinations",
            self.bytes.clone(),
        );
    }
}
