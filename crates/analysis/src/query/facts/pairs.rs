//! Ratios that divide what one source has by what another has.
//!
//! Each source is read and checked by itself first, as for metrics of its own. Here both are read together: what a unit has in
//! each, the unit being the same.

use std::collections::BTreeMap;

use super::super::relation::{Readable, SourceError};
use super::super::{Answer, copies};
use super::{Copied, Extent, Reading, User, Users, Viewed, sql, without_copies};
use trialbook_model::{MetricKey, Source, SourceKey};

/// Returns the ratios of two sources, by the sources of their numerator and their denominator.
pub(super) fn of<'a>(
    by_source: &BTreeMap<&'a SourceKey, Users<'a>>,
) -> BTreeMap<(&'a SourceKey, &'a SourceKey), Users<'a>> {
    let mut pairs = BTreeMap::<_, Users<'a>>::new();
    for (key, (metric, users)) in by_source.values().flatten() {
        if let [numerator, denominator] = metric.kind.sources()[..] {
            pairs.entry((numerator, denominator)).or_default().insert(*key, (*metric, users.clone()));
        }
    }
    pairs
}

impl Reading<'_> {
    /// Measures ratios whose numerators are in the source and whose denominators are in another.
    pub(super) fn pair(
        &self,
        second: &Source,
        metrics: &Users<'_>,
        answer: &mut Answer,
    ) -> Result<(), SourceError> {
        let (book, watermark) = (self.question.book, self.question.watermark);
        // What a source by itself cannot measure has its reason.
        let failed = |key: &MetricKey, users: &[usize]| {
            let experiments = users.iter().filter_map(|number| self.question.experiments.get(*number));
            experiments
                .filter_map(|experiment| answer.metrics.get(&(experiment.key.clone(), key.clone())))
                .any(Result::is_err)
        };
        let metrics: Vec<_> = metrics.iter().filter(|(key, (_, users))| !failed(key, users)).collect();
        if metrics.is_empty() {
            return Ok(());
        }
        let mut first = Readable::find(self.source, book, self.warehouse, watermark)?;
        let mut other = Readable::find(second, book, self.warehouse, watermark)?;
        first.count_alike(&mut other);
        let mut builder = sql::Builder::new(vec![&first, &other], self.warehouse.dialect());
        let mut asked: Vec<User<'_>> = Vec::new();
        for (key, (metric, users)) in metrics {
            match builder.add(metric) {
                Ok(()) => asked.push((metric, users)),
                Err(error) => self.fail(key, users, &self.undefined(metric, &error), answer),
            }
        }
        let viewed =
            Viewed { sources: vec![self.source, second], readable: &first, builder: &builder, asked: &asked };
        let relations = [first.relation.clone(), other.relation.clone()];
        self.measure(&viewed, &relations, Copied::Counts, answer)?;
        let sides = [&first, &other];
        let identical = sides.map(|side| {
            let near = answer.copies.iter().filter(|((_, source), _)| *source == side.source.key);
            copies::are_found_by_content(side.source)
                && near.into_iter().any(|(_, copies)| copies.total() > 0)
        });
        if self.extent == Extent::WithChecks && identical.contains(&true) {
            let relations = [0, 1].map(|side: usize| {
                if identical[side] { without_copies(sides[side]) } else { sides[side].relation.clone() }
            });
            self.measure(&viewed, &relations, Copied::LeftOut, answer)?;
        }
        Ok(())
    }
}
