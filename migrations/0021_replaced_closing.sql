-- A closing may be replaced by one that adds entries; members then answer anew.

GRANT DELETE ON bidding.share_check, bidding.share TO sunbid_bidding;
COMMENT ON TABLE bidding.opening IS
    'Where the opening of a lot stands. Only a closing that is replaced takes a stage back.';
COMMENT ON TABLE bidding.share_check IS
    'What members found for the closing in force; their statements for earlier ones are kept.';
