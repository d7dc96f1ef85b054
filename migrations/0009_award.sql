-- After the evaluation: results, candidates and standstill, committee and votes, award, letters.

CREATE TABLE bidding.evaluation (
    lot         uuid        PRIMARY KEY REFERENCES bidding.lot (id),
    report      bytea       NOT NULL REFERENCES foundation.statement (sid),
    accepted_at timestamptz NOT NULL
);
COMMENT ON TABLE bidding.evaluation IS 'The signed evaluation report, as the panel handed it over.';

CREATE TABLE bidding.candidate_notice (
    lot       uuid        PRIMARY KEY REFERENCES bidding.lot (id),
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL,
    CONSTRAINT standstill_has_length CHECK (ends_at > starts_at)
);
COMMENT ON TABLE bidding.candidate_notice IS
    '中标候选人公示: start and end of the standstill are stored, not computed.';

CREATE TABLE bidding.award_member (
    lot    uuid  NOT NULL REFERENCES bidding.lot (id),
    member uuid  NOT NULL REFERENCES foundation.actor (id),
    name   text  NOT NULL,
    kid    text  NOT NULL,
    alg    text  NOT NULL,
    pk     bytea NOT NULL,
    PRIMARY KEY (lot, member)
);
COMMENT ON TABLE bidding.award_member IS '定标委员会 of a lot whose award is separated (评定分离).';

CREATE TABLE bidding.vote (
    sid       bytea PRIMARY KEY REFERENCES foundation.statement (sid),
    lot       uuid  NOT NULL,
    ballot    int   NOT NULL CHECK (ballot >= 1),
    member    uuid  NOT NULL,
    candidate uuid  NOT NULL,
    CONSTRAINT vote_once_a_ballot UNIQUE (lot, ballot, member),
    FOREIGN KEY (lot, member) REFERENCES bidding.award_member (lot, member)
);
CREATE TRIGGER vote_is_append_only
    BEFORE UPDATE OR DELETE ON bidding.vote
    FOR EACH ROW EXECUTE FUNCTION foundation.refuse_change();

CREATE TABLE bidding.award (
    lot        uuid        PRIMARY KEY REFERENCES bidding.lot (id),
    sid        bytea       NOT NULL REFERENCES foundation.statement (sid),
    submission uuid        NOT NULL,
    awarded_at timestamptz NOT NULL
);

GRANT SELECT, INSERT ON bidding.evaluation, bidding.candidate_notice, bidding.award_member,
                        bidding.vote, bidding.award
   TO sunbid_bidding;
GRANT SELECT ON foundation.actor TO sunbid_bidding, sunbid_experts, sunbid_supervision;
