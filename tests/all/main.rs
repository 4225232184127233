//! All integration tests, as one binary. This list says what belongs where.

mod audio; //         the transforms against librosa, ffmpeg, hostile files and real music
mod catalogue; //     the example catalogue over real music, broken files and their repair
mod cli; //           the verbs about runs, as a person calls them: run, plan, explain, runs, dead
mod compose; //     what the files of the local cluster promise
mod counts; //        counts by the name of a job
mod deploy; //      the manifests for Kubernetes: every key known, what is refused
mod disk; //          small disks that a test may fill and unmount
mod docs; //          what the documentation names exists, and what exists it names
mod examples; //      the example graphs and their schema
mod folder_lock; //   the lock of a state folder, between processes
mod freshness; //   when outputs are out of date: a table of cases, over folders and buckets
mod hostile_ids; //   ids that mean harm: nothing outside a store's folder, no two ids under one key
#[cfg(feature = "faults")]
mod kill; //        the real binary killed at every named point and at any moment
mod layout; //        circles between files, floors, the length of files
mod library; //     the examples for users of the library
mod lint; //          the verbs lint, graph, schema and config show, as a person calls them
mod messages; //      bodies by other programs: their schema, their examples, and how they are read
mod metrics; //       what `--metrics` serves, its documentation, dashboard and alerts
mod mounts; //        stores on disks that are unmounted and mounted again
mod names; //         names of all scripts, told apart and found; what in a source is an entity
mod python; //        Python transforms and worker programs
mod rabbit; //        RabbitMQ, a real one: the broker suite, nodes, faults
mod s3; //            S3 servers, each in a process of its own: the storage suite, and what is peculiar to them
mod shared; //        servers that all tests of one run share
mod traces; //        what `--otlp` sends, and that nobody waits for it
mod ui; //            pages for a browser, by requests and in a real browser
mod venv; //        Python with packages that a test stands on
