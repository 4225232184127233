//! Where ffmpeg is, and what it is told.

use std::{
    env,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// The containers that a file may be taken for, by ffmpeg's names of their readers. None of them names another file, and none is
/// known by the extension alone.
const CONTAINERS: &str = "aac,ac3,adx,aiff,amr,amrnb,amrwb,ape,asf,asf_o,au,avi,caf,dsf,dts,dtshd,eac3,ea,flac,flv,gsm,iff,ircam,\
    loas,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mlp,nistsphere,ogg,oma,paf,qcp,rm,rso,sds,shn,\
    sol,sox,tak,truehd,tta,voc,vqf,w64,wav,wsd,wv,wve,xwma";
/// What ffmpeg calls its standard input where it may seek in it.
const INPUT: &str = "file:/proc/self/fd/0";
/// Variables that it gets as this process has them. Others could make it write files.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR"];

/// What ffmpeg is to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Its names of the encoder and of the container.
    pub(crate) codec: &'static str,
    pub(crate) container: &'static str,
    /// Frames in a second.
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    /// Bits in a second.
    pub(crate) bit_rate: u32,
}

/// The program, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    folder: PathBuf,
}

impl Program {
    /// The first one on the PATH; none where there is none.
    pub(crate) fn find() -> Option<Self> {
        let path = env::var_os("PATH")?;
        let is_program = |folder: &PathBuf| {
            let found = folder.join("ffmpeg").metadata();
            folder.is_absolute() && found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        env::split_paths(&path).find(is_program).map(|folder| Self { folder })
    }

    /// The command that decodes its standard input and writes the samples of the best track of sound, as it is, as a WAV file of
    /// floats.
    pub(super) fn decoding(&self) -> Command {
        let mut command = self.command("ffmpeg");
        // Any error ends it, checksums are compared, nothing is resampled where the track changes, no layout is guessed.
        command.args(["-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-threads", "1"]);
        command.args(["-filter_threads", "1", "-err_detect", "crccheck+explode", "-reinit_filter", "0"]);
        command.args(["-guess_layout_max", "0", "-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS]);
        command.args(["-i", INPUT, "-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]);
        command.args(["-c:a", "pcm_f32le", "-bitexact", "-f", "wav", "pipe:1"]);
        command
    }

    /// The command that encodes the samples on its standard input, 32-bit floats of one frame after the other, as `path`. The same
    /// samples always give the same bytes.
    pub(super) fn encoding(&self, target: &Target, path: &Path) -> Command {
        let mut command = self.command("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-nostats", "-v", "error", "-xerror", "-y", "-threads", "1"]);
        command.args(["-protocol_whitelist", "file,pipe", "-f", "f32le", "-ar", &target.rate.to_string()]);
        command.args(["-ac", &target.channels.to_string(), "-i", "pipe:0", "-c:a", target.codec]);
        command.args(["-b:a", &target.bit_rate.to_string(), "-fflags", "+bitexact", "-flags:a", "+bitexact"]);
        command.args(["-f", target.container]).arg(path);
        command
    }

    /// The command that says in JSON what its standard input is.
    pub(super) fn probing(&self) -> Command {
        let mut command = self.command("ffprobe");
        command.args(["-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe"]);
        command.args(["-format_whitelist", CONTAINERS, "-show_program_version", "-show_format", "-show_streams"]);
        command.args(["-of", "json", INPUT]);
        command
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        command.env_clear().env("LC_ALL", "C").current_dir("/");
        command.envs(INHERITED.into_iter().filter_map(|name| Some((name, env::var_os(name)?))));
        command
    }
}
