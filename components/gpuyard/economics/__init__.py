"""What tokens cost: throughput at a latency, money per million tokens, replicas over the day, people."""
