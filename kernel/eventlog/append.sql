-- Appends to the log: one call, one round trip, one commit. Returns what became of each request.
--
-- The head row is locked first and held until the commit, so positions are given in commit order and a reader never
-- steps past one that is still on its way. Everything else is done before this is called; nothing here waits.
--
-- Columns of the events come as text joined by U+001E, which no CloudEvents attribute may hold and JSON escapes:
-- splitting them here is many times faster than sending arrays.
--
--   plain   the caller vouches that no event stands in the call twice and that requests for one stream follow upon
--           each other; `firsts` are then the (1-based) indexes of the events that come first for their stream
--   counts  how many events each request has, in order
--
-- Answer: the first position when every request was appended and they are plain; else one member per request, in order:
-- ["appended", first, last], ["duplicate", first, last], ["conflict", version of the stream], ["reused", source, id].
CREATE FUNCTION append_events(
    plain boolean, firsts text, counts text, streams text, stream_versions text, sources text, ids text, types text,
    versions text, recorded text, digests text, bodies text
) RETURNS json
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = @schema, pg_temp
SET lock_timeout = '10s'
-- Plans made while the table was small must still be right when it is not: only ever by index.
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    mark constant text := chr(30);
    n_counts int[] := string_to_array(counts, mark);
    n_streams text[] := string_to_array(streams, mark);
    n_stream_versions int[] := string_to_array(stream_versions, mark);
    n_sources text[] := string_to_array(sources, mark);
    n_ids text[] := string_to_array(ids, mark);
    n_types text[] := string_to_array(types, mark);
    n_versions int[] := string_to_array(versions, mark);
    n_recorded bigint[] := string_to_array(recorded, mark);
    n_digests text[] := string_to_array(digests, mark, '');
    n_bodies text[] := string_to_array(bodies, mark);
    n_chains bytea[];
    start bigint;
    place bigint;
    link bytea;
    low int;
    high int := 0;
    first_at bigint;
    last_at bigint;
    known int;
    other int;
    stands_at int;
    answers json[];
BEGIN
    SELECT h.position, h.chain INTO STRICT start, link FROM log_head h WHERE h.single = 1 FOR UPDATE;
    place := start;

    IF plain AND NOT EXISTS (
        SELECT FROM unnest(n_sources, n_ids) n (source, id)
        JOIN event e ON e.source = n.source AND e.id = n.id
    ) AND NOT EXISTS (
        SELECT FROM unnest(string_to_array(firsts, mark)::int[]) f (at)
        WHERE n_stream_versions[f.at] <> 1 + coalesce(
            (SELECT max(e.stream_version) FROM event e WHERE e.stream = n_streams[f.at]), 0)
    ) THEN
        FOR at IN 1 .. array_length(n_bodies, 1) LOOP
            link := sha256(link || int8send(start + at) || convert_to(n_bodies[at], 'UTF8'));
            n_chains[at] := link;
        END LOOP;
        INSERT INTO event (position, stream, stream_version, source, id, type, version, recorded_at, body, chain)
        SELECT start + n.at, n.stream, n.stream_version, n.source, n.id, n.type, n.version, n.recorded_at, n.body, n.chain
        FROM unnest(n_streams, n_stream_versions, n_sources, n_ids, n_types, n_versions, n_recorded, n_bodies, n_chains)
            WITH ORDINALITY n (stream, stream_version, source, id, type, version, recorded_at, body, chain, at);
        UPDATE log_head SET position = start + array_length(n_bodies, 1), chain = link WHERE single = 1;
        RETURN to_json(start + 1);
    END IF;

    -- Something is a repeat or stands elsewhere than thought: one request after the other, each seeing the ones before.
    -- Of a body only what stands before its data is read: a text in the data may be one that PostgreSQL can't hold.
    FOR request IN 1 .. array_length(n_counts, 1) LOOP
        low := high + 1;
        high := high + n_counts[request];
        SELECT count(*), min(e.position), max(e.position), min(n.at) FILTER (
                WHERE e.stream <> n.stream OR e.type <> n.type
                OR ((split_part(e.body, ',"data":', 1) || '}')::json ->> 'contentdigest') IS DISTINCT FROM n.digest)
            INTO known, first_at, last_at, other
            FROM unnest(n_streams[low:high], n_sources[low:high], n_ids[low:high], n_types[low:high], n_digests[low:high])
                WITH ORDINALITY n (stream, source, id, type, digest, at)
            JOIN event e ON e.source = n.source AND e.id = n.id;
        IF other IS NOT NULL THEN
            answers[request] := json_build_array('reused', n_sources[low + other - 1], n_ids[low + other - 1]);
        ELSIF known = n_counts[request] THEN
            answers[request] := json_build_array('duplicate', first_at, last_at);
        ELSE
            SELECT coalesce(max(e.stream_version), 0) INTO stands_at FROM event e WHERE e.stream = n_streams[low];
            IF known > 0 OR stands_at <> n_stream_versions[low] - 1 THEN
                answers[request] := json_build_array('conflict', stands_at);
            ELSE
                first_at := place + 1;
                FOR at IN low .. high LOOP
                    place := place + 1;
                    link := sha256(link || int8send(place) || convert_to(n_bodies[at], 'UTF8'));
                    INSERT INTO event (
                        position, stream, stream_version, source, id, type, version, recorded_at, body, chain
                    ) VALUES (
                        place, n_streams[at], n_stream_versions[at], n_sources[at], n_ids[at], n_types[at],
                        n_versions[at], n_recorded[at], n_bodies[at], link
                    );
                END LOOP;
                answers[request] := json_build_array('appended', first_at, place);
            END IF;
        END IF;
    END LOOP;
    IF place > start THEN
        UPDATE log_head SET position = place, chain = link WHERE single = 1;
    END IF;
    RETURN array_to_json(answers);
END
$$;
