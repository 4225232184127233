#!/usr/bin/env perl
# A worker in Perl, core modules only: the loudest sample of each part of a second, by the frames of docs/worker-protocol.md.
# Option: per_second, how many peaks a second has (4).
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->utf8->canonical;
open my $node, '+<&=', $ENV{EUTERPE_FD} or die "EUTERPE_FD names no descriptor: a node starts this\n";
binmode $node;

sub take {    # so many bytes; the stream's end is the end of the work
    my ($count, $bytes) = (shift, '');
    while (length $bytes < $count) {
        my $got = sysread $node, $bytes, $count - length $bytes, length $bytes;
        next if !defined $got && $!{EINTR};
        exit 0 unless $got;
    }
    return $bytes;
}

sub receive {    # the kind of a frame and what it says; attach is 0 below, so that none comes with an attachment
    my ($length, $attached) = unpack 'VV', take(8);
    my $frame = $json->decode(take($length));
    take($attached);
    return %$frame;
}

sub answer {
    my ($frame, $attachment) = ($json->encode({@_}), '');
    my $bytes = pack('VV', length $frame, 0) . $frame;
    while (length $bytes) {
        my $sent = syswrite $node, $bytes;
        next if !defined $sent && $!{EINTR};
        exit 0 unless defined $sent;
        substr $bytes, 0, $sent, '';
    }
}

sub peaks {    # raw float32, little endian, interleaved: frames x channels
    my ($input, $per_second) = @_;
    open my $raw, '<:raw', $input->{audio} or die "cannot read the audio: $!\n";
    my ($channels, $step, @peaks) = ($input->{channels}, $input->{rate} / $per_second);
    for (my $at = 0; $at < $input->{frames};) {
        my $next = int((@peaks + 1) * $step + 0.5);
        my $got = read $raw, my $block, ($next - $at) * $channels * 4;
        my $peak = 0;
        for (unpack 'f<*', $block) { my $size = abs; $peak = $size if $size > $peak }
        push @peaks, 0 + sprintf '%.6f', $peak;
        $at = $next;
    }
    return {peaks => \@peaks, per_second => $per_second, seconds => $input->{frames} / $input->{rate}};
}

my %first = receive();
my $open = $first{open};
my $per_second = $open->{options}{per_second} // 4;
my $name = $open->{inputs}[0] // '';
if (@{$open->{inputs}} != 1 || @{$open->{outputs}} != 1 || $per_second !~ /^[1-9]\d{0,2}$/) {
    answer(fault => {kind => 'fatal', text => 'peaks takes one input, one output, per_second from 1 to 999', trace => ''});
    exit 0;
}
answer(ready => {protocol => 1, inputs => {$name => 'audio'}, attach => 0, about => "Perl $^V"});

while (my %frame = receive()) {
    my $work = $frame{work};
    my $made = eval {
        mkdir $work->{scratch};
        open my $out, '>:raw', $work->{outputs}[0] or die "cannot write the output: $!\n";
        print $out $json->encode(peaks($work->{inputs}{$name}, $per_second)), "\n";
        close $out or die "cannot write the output: $!\n";
    };
    if ($made) { answer(made => [{file => $work->{outputs}[0]}]) }
    else { chomp(my $why = $@); answer(fault => {kind => 'failed', text => $why, trace => ''}) }
}
