//! The settings file `credwatch.yaml`, folded once into values without gaps.

mod model;

pub use model::{
    Channel, ChannelKind, ExecRule, HostPattern, Http, Notify, RotationLimits, Schedule, Settings, SmtpTls,
};
