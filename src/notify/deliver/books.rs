//! Who was told what, and who is owed a message.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::state::{News, State, StateFault, Told};

/// By channel and person.
type Debts = HashMap<(String, String), DateTime<Utc>>;

/// The state as seen from here. A state that fails costs duplicates, never a message; it is reported once.
pub(super) struct Books<'s> {
    pub(super) state: &'s mut dyn State,
    told: Vec<Told>,
    owed: Debts,
    pub(super) fault: Option<StateFault>,
}

impl<'s> Books<'s> {
    pub(super) fn open(state: &'s mut dyn State) -> Self {
        let read = state.told().and_then(|told| Ok((told, state.owed()?)));
        match read {
            Ok((told, owed)) => Self { state, told, owed, fault: None },
            Err(fault) => Self { state, told: Vec::new(), owed: HashMap::new(), fault: Some(fault) },
        }
    }

    /// Who is owed a message on that channel, and since when.
    pub(super) fn owed_through(&mut self, channel: &str) -> HashMap<String, DateTime<Utc>> {
        self.owed.extract_if(|(through, _), _| through == channel).map(|((_, person), since)| (person, since)).collect()
    }

    /// What each person was told on that channel.
    pub(super) fn told_through(&mut self, channel: &str) -> HashMap<String, Vec<Told>> {
        let mut of_channel: HashMap<String, Vec<Told>> = HashMap::new();
        for told in self.told.extract_if(.., |told| told.channel == channel) {
            of_channel.entry(told.person.clone()).or_default().push(told);
        }
        of_channel
    }

    pub(super) fn write(&mut self, news: &[News]) {
        if let Err(fault) = self.state.tell(news) {
            tracing::error!("{fault}");
            self.fault.get_or_insert(fault);
        }
    }
}
