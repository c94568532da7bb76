//! Every bound of the system in one table. A decoder, a queue or a stream that needs a number takes it from here.

/// Longest slug of an authority identifier.
pub const AUTHORITY_SLUG_CHARS_MAX: usize = 32;
/// Longest officer's name.
pub const OFFICER_NAME_CHARS_MAX: usize = 100;
/// Longest single text field of a message (facts, law).
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Longest short text field (reference, subject, a name).
pub const LINE_BYTES_MAX: usize = 1_024;
/// Most entries of a repeated text field (measures, persons, grounds).
pub const LIST_LEN_MAX: usize = 256;

/// Largest control frame that is not an envelope or a receipt.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest signed envelope (the sealed message inside included; files travel as blobs, never inside).
pub const ENVELOPE_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest signed message.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Largest detached CMS signature, with its certificates.
pub const CMS_BYTES_MAX: usize = 32 * 1024;
/// Most recipients of one envelope (the sender's archive key is one).
pub const STANZAS_MAX: usize = 16;
/// Most sealed objects of one package.
pub const OBJECTS_MAX: usize = 4_096;
/// Largest sealed object: 16 TiB.
pub const OBJECT_BYTES_MAX: u64 = 16 << 40;
/// Plaintext of a packed object, by its number: up to the first one, the second. Small ones first, so that some files are
/// here early; what an interrupted seal does again is one of them at most; all of them hold 48 TiB.
pub const PACK_BYTES: [(u32, u64); 3] = [(64, 16 << 20), (1_024, 256 << 20), (4_096, 16 << 30)];
/// A file larger than this, or with holes, is packed like a folder, so that its sealing can be resumed.
pub const PLAIN_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// A file with holes that is shorter than this is sealed with its zeros.
pub const SPARSE_FILE_BYTES_MIN: u64 = 16 * 1024 * 1024;
/// Files that are sealed one by one when they are named one by one; more are packed.
pub const PLAIN_FILES_MAX: usize = 64;
/// Entries of a package's list of files.
pub const LISTED_MAX: u64 = 1_000_000;
/// Largest list of files.
pub const LIST_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Longest line of a list of files.
pub const LIST_LINE_BYTES_MAX: usize = 512 * 1024;
/// Runs of data in one sparse file; what follows the last is taken with its zeros.
pub const EXTENTS_MAX: usize = 4_096;
/// A hole that is shorter is taken as zeros.
pub const HOLE_BYTES_MIN: u64 = 64 * 1024;
/// Further digests of one file.
pub const FURTHER_DIGESTS_MAX: usize = 4;
/// Longest path of a file in a folder, in bytes.
pub const PATH_BYTES_MAX: usize = 4_096;
/// Longest name in it.
pub const PATH_NAME_BYTES_MAX: usize = 255;
/// Deepest path.
pub const PATH_DEPTH_MAX: usize = 64;
/// What is kept of the command that began a package, so that it can be resumed without its words.
pub const PLAN_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one transfer part; the leaf of the ciphertext tree.
pub const PART_BYTES: usize = 1024 * 1024;
/// Most parts that one `Fetch` may ask for.
pub const FETCH_PARTS_MAX: u64 = 256;
/// Deepest inclusion proof: a tree of 2^63 leaves.
pub const PROOF_HASHES_MAX: usize = 63;
/// Largest custody record.
pub const RECORD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most enclosures of one custody record, and their largest total.
pub const ENCLOSURES_MAX: usize = 8;
/// Largest total of the enclosures of one record.
pub const ENCLOSURE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most records that one erasure takes: their indexes stand in its tombstone.
pub const ERASED_RECORDS_MAX: usize = 4_000;
/// Largest receipt.
pub const RECEIPT_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Largest signed note (checkpoint with cosignatures).
pub const NOTE_BYTES_MAX: usize = 128 * 1024;
/// Most signature lines that are looked at in a note.
pub const NOTE_SIGNATURES_MAX: usize = 64;

/// Largest directory with its metadata.
pub const DIRECTORY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most authorities of one directory.
pub const AUTHORITIES_MAX: usize = 10_000;
/// Largest file of directory metadata (the smallest bound of a foreign TUF client is 16 KiB, for `timestamp.json`;
/// the keepers' bound below keeps ours under it).
pub const DIRECTORY_METADATA_BYTES_MAX: usize = 64 * 1024;
/// Most roots in one chain of trust.
pub const DIRECTORY_ROOTS_MAX: usize = 256;
/// Most keepers of one directory.
pub const KEEPERS_MAX: usize = 32;
/// Most signatures that are looked at in one file of directory metadata: the old keepers' and the new ones'.
pub const KEEPER_SIGNATURES_MAX: usize = 2 * KEEPERS_MAX;
/// Highest version of directory metadata: the largest integer that every JSON reader keeps exact, 2^53 - 1.
pub const DIRECTORY_VERSION_MAX: u64 = (1 << 53) - 1;
/// Most endpoints of one authority.
pub const ENDPOINTS_MAX: usize = 8;
/// Most issuing certificates of one authority (and as many revocation lists).
pub const ISSUERS_MAX: usize = 8;
/// Largest certificate, DER.
pub const CERTIFICATE_BYTES_MAX: usize = 16 * 1024;
/// Largest certificate revocation list, DER.
pub const REVOCATION_LIST_BYTES_MAX: usize = 1024 * 1024;
/// Most verifier keys of one custody log: the current ones of both algorithms, and retired ones.
pub const LOG_KEYS_MAX: usize = 8;
/// Most rotations of the keys of one log that are looked at.
pub const LOG_ROTATIONS_MAX: usize = 256;
/// Most verifier keys of one authority as a witness.
pub const WITNESS_KEYS_MAX: usize = 8;
/// Largest policy file: room for a hundred logs and witnesses of both algorithms.
pub const POLICY_BYTES_MAX: usize = 512 * 1024;
/// Most witnesses and groups, and most logs, of one policy.
pub const POLICY_NAMES_MAX: usize = 1_024;
/// Largest request to a witness: a checkpoint, 63 hashes, and the old size.
pub const ADD_CHECKPOINT_BYTES_MAX: usize = NOTE_BYTES_MAX + 4 * 1024;
/// Longest text of a verifier key: a name, an id, and 1,313 bytes in base64.
pub const VKEY_BYTES_MAX: usize = 4 * 1024;
/// Most certificates of time-stamp authorities that one authority vouches for.
pub const TIME_STAMP_ISSUERS_MAX: usize = 8;
/// Most receiving keys of one authority.
pub const RECEIVING_KEYS_MAX: usize = 16;
/// A public key of suite `rogatory-seal-1`: 1184 bytes of ML-KEM-768, then 32 of X25519.
pub const RECEIVING_KEY_BYTES: usize = 1_216;
/// Most languages of one authority.
pub const LANGUAGES_MAX: usize = 32;
/// Most national requirements of one authority.
pub const REQUIREMENTS_MAX: usize = 64;

/// How far a peer's clock may differ from ours, in milliseconds.
pub const CLOCK_SKEW_MS_MAX: u64 = 10 * 60 * 1_000;
/// Longest time between creation and expiry of an envelope: 400 days.
pub const ENVELOPE_LIFE_MS_MAX: u64 = 400 * 86_400_000;

/// Connections at once, over all peers.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Connections at once from one authority.
pub const CONNECTIONS_PER_PEER_MAX: usize = 4;
/// Bidirectional streams that a peer may have open at once.
pub const STREAMS_PER_PEER_MAX: u32 = 64;
/// A handshake (QUIC, TLS and Hello) must end within this many milliseconds.
pub const HANDSHAKE_MS_MAX: u64 = 10_000;
/// A control frame must arrive whole within this many milliseconds.
pub const FRAME_MS_MAX: u64 = 30_000;
/// A connection without any traffic is closed after this many milliseconds.
pub const IDLE_MS_MAX: u64 = 60_000;
/// A connection that is quiet is asked after so many milliseconds whether the peer still knows it.
pub const KEEP_ALIVE_MS: u64 = 1_000;

/// First wait before a delivery is tried again.
pub const RETRY_MS_MIN: u64 = 1_000;
/// Longest wait between two attempts.
pub const RETRY_MS_MAX: u64 = 15 * 60 * 1_000;
/// Deliveries in flight to one peer.
pub const DELIVERIES_PER_PEER_MAX: usize = 64;

/// A node that starts waits as long as this for a command that is reading its data.
pub const START_LOCK_MS_MAX: u64 = 5_000;

/// Longest name of the software that a peer runs.
pub const SOFTWARE_BYTES_MAX: usize = 128;
/// Longest head of a volume of a backup.
pub const BACKUP_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Longest item of a volume, without the bytes of files.
pub const BACKUP_ITEM_BYTES_MAX: usize = 4 * 1024;
/// Most records that are listed of what a stolen key could have touched; all are counted.
pub const REACH_LISTED_MAX: usize = 10_000;
/// Most files that a backup lists.
pub const BACKUP_FILES_MAX: usize = 16 * 1024 * 1024;
/// Most envelopes that one answer lists to a peer whose log was put back from a backup.
pub const HELD_PER_ANSWER_MAX: usize = 256;
/// Most rows that are looked at for one such answer.
pub const HELD_LOOKED_AT_MAX: usize = 1_024;
/// Largest frame that carries no envelope, receipt or checkpoint.
pub const SMALL_FRAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of all large frames that one connection may be receiving at once.
pub const FRAME_BUFFER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Fewest bytes of a part that must move within each `FRAME_MS_MAX`.
pub const PROGRESS_BYTES_MIN: usize = 16 * 1024;
/// Handshakes at once with peers that have not yet said who they are.
pub const HANDSHAKES_MAX: usize = 256;
/// Bytes in flight that one connection may have unread: 1 Gbit/s over 150 ms, and some.
pub const CONNECTION_WINDOW_BYTES: u32 = 24 * 1024 * 1024;
/// Bytes in flight that one stream may have unread.
pub const STREAM_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// Largest tlog-proof: a checkpoint, 63 hashes, and room for an `extra` line.
pub const TLOG_PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 16 * 1024;

/// Room that evidence leaves free on the disk, so that a full vault never stops the custody journal.
pub const VAULT_RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// Parts that may have arrived and not be durable yet: what a crash of the receiver fetches twice, at most.
pub const INTAKE_GROUP_PARTS: usize = 64;
/// Written ciphertext after which the disk is told to start, so that the last fsync finds little left to do.
pub const WRITE_BEHIND_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of one preallocated segment of the journal.
pub const JOURNAL_SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Most entries that one group commit takes.
pub const BATCH_ENTRIES_MAX: usize = 4_096;
/// A group commit takes no further entry once its frames have this many bytes.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Entries that may wait for the ledger's writer; a further caller blocks.
pub const LEDGER_QUEUE_MAX: usize = 1_024;
/// Entries that may be durable in the journal and not yet in the tiles; beyond it the ledger refuses new ones.
pub const UNPUBLISHED_ENTRIES_MAX: usize = 65_536;
/// The tiles and the published checkpoint follow the journal within about this time.
pub const PUBLISH_MS: u64 = 250;
/// Full tiles kept decoded in memory, 16 KiB each.
pub const TILES_CACHED_MAX: usize = 64;

/// Connections at once to the web listener; a further one is closed at once.
pub const WEB_CONNECTIONS_MAX: usize = 256;
/// Connections at once to the web listener from one network (an IPv4 address, an IPv6 /64) other than loopback.
pub const WEB_CONNECTIONS_PER_NETWORK_MAX: usize = 32;
/// A TLS handshake, or the head of a request, must arrive within this many milliseconds.
pub const WEB_HEAD_MS_MAX: u64 = 10_000;
/// After so many milliseconds a web connection takes no further request, so that slow readers hold none for long.
pub const WEB_CONNECTION_MS_MAX: u64 = 60_000;
/// What was being answered then must be read within so many milliseconds more.
pub const WEB_GRACE_MS: u64 = 5_000;
/// Largest head of a web request.
pub const WEB_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Largest body of a web request: a checkpoint with cosignatures and a consistency proof.
pub const WEB_BODY_BYTES_MAX: usize = NOTE_BYTES_MAX + 16 * 1024;

/// Largest value of the index.
pub const INDEX_VALUE_BYTES_MAX: usize = 64 * 1024;
/// Largest key of the index, without its tree's name.
pub const INDEX_KEY_BYTES_MAX: usize = 256;
/// Memory that the index may cache in.
pub const INDEX_CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Transfers whose progress is kept for people to look at.
pub const TRANSFERS_SHOWN_MAX: usize = 1_024;
/// Streams on which one envelope's files are fetched at once.
pub const FETCH_STREAMS: usize = 4;
/// Most files of a bag beside its evidence: what surrounds every object.
pub const BAG_TAG_FILES_MAX: usize = 4 * OBJECTS_MAX + 65_536;
/// Most files of a bag that is read: every listed file, every object, and what surrounds them.
pub const BAG_FILES_MAX: usize = BAG_TAG_FILES_MAX + 1_000_000;
/// Deepest folder in a bag that is read.
pub const BAG_DEPTH_MAX: usize = PATH_DEPTH_MAX + 6;
/// All files of a bag that the texts for people are made of, together.
pub const BAG_TEXTS_SOURCE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Largest tag file of a bag that is read, the list of the directory excepted.
pub const TAG_FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Accompanying files of a bag in an archive that are no lists of files, together: also kept in memory.
pub const ARCHIVE_NOTES_BYTES_MAX: usize = 128 * 1024 * 1024;
/// Accompanying files of a bag in an archive, together: they are kept in memory while it is read.
pub const ARCHIVE_TAGS_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Largest manifest of a bag: a million files with their SHA-512.
pub const MANIFEST_BYTES_MAX: usize = 384 * 1024 * 1024;
/// Files of a folder that are not as its list says and are told one by one; of the others their number.
pub const LISTED_FAULTS_SHOWN_MAX: usize = 1_000;
/// Zeros after the end mark of an archive: writers fill a last record.
pub const ARCHIVE_END_BYTES_MAX: usize = 1024 * 1024;
/// Largest pax header of an archive's member.
pub const PAX_BYTES_MAX: usize = 64 * 1024;
/// Largest consistency proof as text: two sizes and 64 hashes.
pub const LINK_BYTES_MAX: usize = 4 * 1024;
/// Longest name of a payload file in a bag.
pub const PAYLOAD_NAME_CHARS_MAX: usize = 100;
/// Bytes that are read and digested at once from a file.
pub const READ_BYTES: usize = 256 * 1024;

/// Longest identifier or code of a condition: 256 of each must fit into one value of the index.
pub const WORD_BYTES_MAX: usize = 64;
/// Most messages of one request: their identifiers must fit into one value of the index.
pub const THREAD_MESSAGES_MAX: usize = 1_280;
/// Messages of one request after which the peer's are refused; the rest of the thread is left to this node's officers.
pub const THREAD_MESSAGES_PEER_MAX: usize = 1_024;
/// Letters and receipts of one peer that are verified at once; the others of that peer wait.
pub const LETTERS_AT_ONCE_PER_PEER_MAX: usize = 8;
/// Bytes of letters and receipts of one peer that may wait for their turn.
pub const LETTERS_WAITING_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of letters that are taken from one peer in a day: a hostile one fills the journal no faster.
pub const LETTERS_PER_DAY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Streams on which one peer is served parts at once; each holds one part.
pub const SERVED_STREAMS_PER_PEER_MAX: usize = 16;
/// Envelopes of one peer whose files are fetched at once, for each urgency.
pub const FETCHES_PER_PEER_MAX: usize = 4;
/// Time after the expiry of an envelope for which its files are still asked for, if the sender does not refuse them.
pub const FILES_GRACE_MS: u64 = 7 * 86_400_000;
/// Envelopes of one peer whose files are still to come.
pub const INTAKES_PER_PEER_MAX: usize = 256;
/// Log lines about refusals of one peer in a minute; the next minute begins with the number of those left out.
pub const REFUSAL_LINES_PER_MINUTE_MAX: u32 = 30;

/// Longest address of a web service.
pub const WEB_ADDRESS_BYTES_MAX: usize = 512;
/// Longest whole exchange with a web service, from the look-up of its name to the last byte.
pub const WEB_MS_MAX: u64 = 20_000;
/// Largest answer of a web service, if the caller says nothing else.
pub const WEB_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Largest head of an answer of a web service.
pub const WEB_HEADER_BYTES_MAX: usize = 32 * 1024;
/// Most header lines of an answer of a web service.
pub const WEB_HEADERS_MAX: usize = 64;
/// Most spans that wait for the collector of traces; more are dropped and counted.
pub const TRACE_SPANS_WAITING_MAX: usize = 4_096;
/// Most spans in one message to it.
pub const TRACE_BATCH_MAX: usize = 512;
/// Largest file that a variable of the environment may name for the value of one setting.
pub const SETTING_FILE_BYTES_MAX: u64 = 64 * 1024;
/// How often a running node looks whether its settings, certificates or directory changed on disk, in milliseconds. What
/// changed must then stay the same for one more look.
pub const WATCH_FILES_MS: u64 = 2_000;
/// Largest file of CA certificates that HTTPS trusts.
pub const WEB_ROOTS_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Largest time-stamp: the answer of a time-stamp authority, with the certificates in its token.
pub const TIME_STAMP_BYTES_MAX: usize = 64 * 1024;
/// Most certificates beside the signer's in a time-stamp.
pub const TIME_STAMP_CERTIFICATES_MAX: usize = 16;
/// Longest name of a log.
pub const ORIGIN_BYTES_MAX: usize = 256;
/// Checkpoints of one foreign log that were seen in talk and are not linked yet; later ones are not kept.
pub const SEEN_IN_TALK_PER_LOG_MAX: usize = 16;
/// Checkpoints of one foreign log that strangers brought over the web and that are not linked yet.
pub const SEEN_OVER_THE_WEB_PER_LOG_MAX: usize = 8;
/// Largest signed note of a foreign log that is kept: a line of each key that a log may have, and no long extensions.
pub const WATCHED_NOTE_BYTES_MAX: usize = 32 * 1024;
/// Checkpoints of one foreign log under which receipts stand and that are not linked yet.
pub const SEEN_IN_RECEIPTS_PER_LOG_MAX: usize = 4_096;
/// Links that are kept of one foreign log; the oldest make room.
pub const LINKS_PER_LOG_MAX: usize = 4_096;
/// Pieces of evidence that are kept against one log; the first ones stay.
pub const EVIDENCE_PER_LOG_MAX: usize = 64;
/// Cosigned checkpoints of our own log that are all kept; of older ones the newest of each hour.
pub const COSIGNED_RECENT_MAX: usize = 256;
/// Records about evidence against one log in an hour; the others follow later.
pub const EVIDENCE_RECORDS_PER_HOUR_MAX: u32 = 4;
/// Checkpoints of one log that are put to its owner in one round.
pub const QUESTIONS_PER_ROUND_MAX: usize = 256;
/// Logs that are compared with one peer in one round.
pub const GOSSIP_PER_ROUND_MAX: usize = 64;
/// A log that has grown is shown to linked peers when it rested for that long.
pub const ROUND_QUIET_MS: u64 = 5_000;
/// Two rounds with one peer that nobody waits for are at least that far apart.
pub const ROUND_AGAIN_MS: u64 = 30_000;
/// How often a link looks whether the log has grown.
pub const ROUND_LOOK_MS: u64 = 1_000;
/// For how long an export waits for a linked peer's cosignature on its own record.
pub const EXPORT_COSIGNED_MS: u64 = 4_000;
/// Somebody should look when a record has gone that long without a cosignature of somebody else: a day.
pub const COSIGNED_LATE_MS: u64 = 86_400_000;
/// Entries of our own log that are searched for receipts in one round.
pub const RECEIPTS_SCANNED_PER_ROUND_MAX: u64 = 16_384;
/// Checkpoints that are judged at once for strangers over the web; more are told to come again.
pub const WEB_CHECKPOINTS_AT_ONCE_MAX: usize = 4;
/// Most time-stamp authorities that one node asks.
pub const TIME_STAMP_AUTHORITIES_MAX: usize = 8;
/// First wait before a time-stamp authority that did not answer is asked again; doubled each time.
pub const TIME_STAMP_RETRY_MS_MIN: u64 = 5_000;
/// Longest wait before it is asked again.
pub const TIME_STAMP_RETRY_MS_MAX: u64 = 15 * 60 * 1_000;
/// A time-stamp that differs from this node's clock by more than this, beyond its own accuracy, is warned about.
pub const TIME_STAMP_CLOCK_MS_MAX: u64 = 30_000;
/// Most time-stamps that one list shows, the newest.
pub const TIME_STAMPS_SHOWN_MAX: usize = 1_000;
/// The outbox is late when something has waited that long for a peer: a day.
pub const OUTBOX_LATE_MS: u64 = 86_400_000;
/// Entries that the published log may be behind the journal before somebody should look.
pub const UNPUBLISHED_LATE_ENTRIES: u64 = 10_000;
/// How long before its end an operator is told of a certificate or a directory: thirty days.
pub const WARN_AHEAD_MS: u64 = 30 * 86_400_000;
/// Largest registry of treaty actions, as a file.
pub const REGISTRY_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Most rows of a registry.
pub const REGISTRY_ROWS_MAX: usize = 250_000;
/// Most instruments that a registry may add to those of the program, e.g. bilateral treaties.
pub const REGISTRY_INSTRUMENTS_MAX: usize = 1_024;
/// Most entries of a list within one row or one provision of an instrument.
pub const REGISTRY_LIST_MAX: usize = 64;
/// Most instruments times kinds of help that one look-up tells of.
pub const BASIS_FINDINGS_MAX: usize = 4_096;
/// Most differences between two look-ups that are told.
pub const BASIS_DIFFERENCES_MAX: usize = 16;
/// Largest record of one node's own look-up.
pub const BASIS_REVIEW_BYTES_MAX: usize = 1024 * 1024;
/// Most provisions of one kind (rules, crimes, measures) in one instrument.
pub const PROVISIONS_MAX: usize = 256;
/// Largest file of one instrument.
pub const INSTRUMENT_BYTES_MAX: usize = 256 * 1024;
/// Most entries of each list inside one condition: parameters, measures, persons, conditions that it replaces.
pub const CONDITION_LIST_MAX: usize = 16;
/// Largest file of the conditions vocabulary.
pub const VOCABULARY_BYTES_MAX: usize = 64 * 1024;
/// How long what a second officer cleared may be done: a day.
pub const CLEARANCE_MS: u64 = 86_400_000;
/// Most records of use that one list shows, the newest.
pub const USES_SHOWN_MAX: usize = 10_000;
/// How often a node looks for what was not done in time in its requests: an hour is a short time here, a minute costs little.
pub const CLOCKS_LOOK_MS: u64 = 60_000;
