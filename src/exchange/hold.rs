//! What an erasure may do with the records of each event. Refuses nothing: it is a table.

use crate::model::event::Event;

/// What an erasure may do with a record of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Never taken: what the log says of itself, of its keys, its witnesses, and of erasures and destructions.
    Kept,
    /// Taken only with everything that was logged of its message: the state of a message is the sum of these.
    WithItsMessage,
    /// Taken alone.
    Free,
}

/// How records of that event are held.
pub const fn hold(event: Event) -> Hold {
    match event {
        Event::MessageDrafted
        | Event::MessageApproved
        | Event::MessageDiscarded
        | Event::MessageQueued
        | Event::MessageDelivered
        | Event::MessageRefused
        | Event::MessageExpired
        | Event::MessageReceived
        | Event::ContentReceived
        | Event::ContentAbandoned
        | Event::ReceiptDelivered
        | Event::PackageHandedOver
        | Event::BasisCompared
        | Event::BasisChanged
        | Event::DutyOverdue
        | Event::RequestFiledElsewhere
        | Event::RenditionDiffered => Hold::WithItsMessage,
        Event::PackageOpened
        | Event::PackageExported
        | Event::PackageLinked
        | Event::PackageCopied
        | Event::PackageExhibited
        | Event::PackageDisclosed
        | Event::PackageForwarded
        | Event::UseAsked
        | Event::UseCleared
        | Event::MessageRead
        | Event::ActRefused
        | Event::InputRefused => Hold::Free,
        Event::NodeInitialised
        | Event::NodeStarted
        | Event::DirectoryAccepted
        | Event::IndexRebuilt
        | Event::LogInconsistent
        | Event::LogShrunk
        | Event::WitnessUnreachable
        | Event::WitnessHealed
        | Event::TimeStamped
        | Event::TimeStampMissed
        | Event::ErasureRequested
        | Event::RecordErased
        | Event::DestructionRequested
        | Event::PackageDestroyed
        | Event::KeyRotated
        | Event::KeysAdded
        | Event::LogRestarted
        | Event::LogResumed
        | Event::PeerSuspended
        | Event::PeerResumed
        | Event::NodeFrozen
        | Event::NodeThawed
        | Event::BackupMade => Hold::Kept,
    }
}
