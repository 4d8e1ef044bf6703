//! Perl, with one loop for both directions and an alarm that ends it.

use super::{BytePipe, words};

const SCRIPT: &str = r#"
use IO::Socket::INET; use IO::Select;
my ($host, $port, $seconds) = @ARGV;
alarm $seconds;
my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => "tcp") or die "$@\n";
my $both = IO::Select->new($s, \*STDIN);
while (1) {
  for my $from ($both->can_read) {
    my $length = sysread($from, my $data, 65536);
    die "$!\n" unless defined $length;
    exit 0 unless $length;
    my $to = $from == $s ? \*STDOUT : $s;
    for (my $done = 0; $done < $length;) {
      my $wrote = syswrite($to, $data, $length - $done, $done) or exit 1;
      $done += $wrote;
    }
  }
}
"#;

pub(super) const PIPE: BytePipe = BytePipe {
    name: "perl",
    starts_tls: false,
    command: |_, (host, port, seconds)| {
        words([
            "perl",
            "-e",
            SCRIPT,
            host,
            &port.to_string(),
            &seconds.to_string(),
        ])
    },
};
