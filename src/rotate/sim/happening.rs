//! What others do to the world while a rotation is under way: people, other tools, clocks, and the state's own fate.

mod acts;

use super::{provider::Date, world::Ms};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    StrangerAdds {
        app: usize,
    },
    /// Another copy of this installation makes one, and writes it down elsewhere.
    CopyAdds {
        app: usize,
    },
    /// A person removes something in the portal.
    StrangerRemoves {
        app: usize,
        which: Which,
    },
    /// A GitOps writer puts back what a store held before, every so often.
    Reverted {
        app: usize,
        store: usize,
        times: u32,
        every: Ms,
    },
    /// Somebody writes a value of their own into a store.
    Overwritten {
        app: usize,
        store: usize,
    },
    Emptied {
        app: usize,
        store: usize,
    },
    /// A neighbour in the same object changes: the version moves, the value stays.
    Bumped {
        app: usize,
        store: usize,
    },
    StoreDown {
        app: usize,
        store: usize,
        lasts: Ms,
    },
    ProviderDown {
        app: usize,
        lasts: Ms,
    },
    /// What is made meanwhile is listed this much later, and known to the management API that much later.
    Late {
        app: usize,
        lists: Ms,
        knows: Ms,
        lasts: Ms,
    },
    /// A host's wall clock moves, milliseconds.
    Clock {
        host: usize,
        by: i64,
        lasts: Ms,
    },
    Date {
        app: usize,
        date: Date,
        lasts: Ms,
    },
    /// The state is put back to what it was this long ago.
    Restored {
        age: Ms,
    },
    /// A second process begins, here or on another host.
    Run {
        host: usize,
    },
    Abort {
        app: usize,
    },
    RetireAsked {
        app: usize,
    },
    Resolved {
        app: usize,
    },
    /// A person says which one the predecessor is, and asks for its removal.
    Named {
        app: usize,
    },
    /// A person claims a hand-over and is shown the value, and does no more.
    Reveals {
        app: usize,
        store: usize,
    },
    /// A consumer goes on using the old credential until this long from now.
    LateConsumer {
        app: usize,
        lasts: Ms,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Predecessor,
    Successor,
    Stranger,
}

impl Happening {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::StrangerAdds { .. } => "a stranger adds a secret",
            Self::CopyAdds { .. } => "a copy of us adds a secret",
            Self::StrangerRemoves { which: Which::Predecessor, .. } => "a stranger removes the predecessor",
            Self::StrangerRemoves { which: Which::Successor, .. } => "a stranger removes the successor",
            Self::StrangerRemoves { which: Which::Stranger, .. } => "a stranger removes their own",
            Self::Reverted { .. } => "a store is reverted",
            Self::Overwritten { .. } => "a store is overwritten",
            Self::Emptied { .. } => "a store is emptied",
            Self::Bumped { .. } => "a store's version moves",
            Self::StoreDown { .. } => "a store is down",
            Self::ProviderDown { .. } => "the provider is down",
            Self::Late { .. } => "new ones are listed late",
            Self::Clock { .. } => "a clock jumps",
            Self::Date { .. } => "the provider's date lies",
            Self::Restored { .. } => "the state is restored",
            Self::Run { .. } => "a second run",
            Self::Abort { .. } => "a person aborts",
            Self::RetireAsked { .. } => "a person asks for the removal",
            Self::Resolved { .. } => "a person resolves",
            Self::Named { .. } => "a person names the predecessor",
            Self::LateConsumer { .. } => "a late consumer",
            Self::Reveals { .. } => "a person looks only",
        }
    }

    /// Nothing that a crash or a network does: a person may have to look after it.
    #[must_use]
    pub const fn is_contrary(&self) -> bool {
        !matches!(
            self,
            Self::StrangerAdds { .. }
                | Self::StrangerRemoves { which: Which::Stranger, .. }
                | Self::Bumped { .. }
                | Self::StoreDown { .. }
                | Self::ProviderDown { .. }
                | Self::Late { .. }
                | Self::Run { .. }
                | Self::RetireAsked { .. }
                | Self::Resolved { .. }
                | Self::Named { .. }
                | Self::Abort { .. }
                | Self::LateConsumer { .. }
                | Self::Reveals { .. }
        )
    }
}

impl Happening {
    /// Whom it befalls; `None`: everybody.
    const fn app(&self) -> Option<usize> {
        match self {
            Self::Clock { .. } | Self::Restored { .. } | Self::Run { .. } => None,
            Self::StrangerAdds { app }
            | Self::CopyAdds { app }
            | Self::StrangerRemoves { app, .. }
            | Self::Reverted { app, .. }
            | Self::Overwritten { app, .. }
            | Self::Emptied { app, .. }
            | Self::Bumped { app, .. }
            | Self::StoreDown { app, .. }
            | Self::ProviderDown { app, .. }
            | Self::Late { app, .. }
            | Self::Date { app, .. }
            | Self::Abort { app }
            | Self::RetireAsked { app }
            | Self::Resolved { app }
            | Self::Named { app }
            | Self::Reveals { app, .. }
            | Self::LateConsumer { app, .. } => Some(*app),
        }
    }
}
