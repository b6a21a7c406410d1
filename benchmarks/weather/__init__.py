"""How soon names are found where the network is bad, beside an oracle's floor: `make bench-weather`.

What is simulated, all of it on loopback and drawn from one seed:

- A DHT of a million nodes (BEP 5). Of them 45 % are silent; the others answer after a round trip of their own, a
  lognormal distribution around 110 ms. Each names the eight of its routing table that are nearest to the target, silent
  ones too. 2 % of the datagrams get lost, each way. What is announced lies at the eight nearest nodes that answer.
- Of each torrent's twelve peers 50 % hang, 17 % refuse, 7 % stall, 6 % close, 5 % have no metadata, 2 % lie (or 15 %;
  half of the liars insist on MSE, and all of them claim the right size), 13 % are good, and one always is. Of the good
  ones 40 % take TCP and uTP, 25 % TCP alone, 15 % insist on MSE (by TCP), and 20 % take uTP alone. They are
  libtorrent's own, behind a relay that takes half a round trip each way. The metadata has two or three pieces.
- Three HTTP trackers: a dead one, one that takes 2 to 3 s, a good one. They name all twelve peers.
- A storm: 60 % are silent, round trips are around 180 ms and differ more, 8 % gets lost.

What is not: bandwidth, TCP's congestion control (uTP's is libtorrent's own), nodes that ask back, nodes that lie, who
else looks for the same name, IPv6. A refusal comes at once. The kernel accepts TCP connections at once; the round trip
is added before the first answer. What TCP would lose comes later by a round trip and 200 ms (a SYN by a second).
"""
